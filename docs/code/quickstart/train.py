"""Trains a classifier on the measurements of 150 irises and saves it as `iris`."""

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import minibento

iris = load_iris(as_frame=True)
flowers = iris.data.set_axis(["sepal_length", "sepal_width", "petal_length", "petal_width"], axis=1)
species = iris.target_names[iris.target]
model = LogisticRegression(max_iter=1000).fit(flowers, species)

made_up = flowers.head(2).round()
print("saved", minibento.sklearn.save_model("iris", model, example_input=made_up))
