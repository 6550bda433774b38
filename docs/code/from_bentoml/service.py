from pydantic import BaseModel

import minibento  # changed


class CreditApplication(BaseModel):
    seniority: int
    home: str
    time: int
    age: int
    marital: str
    records: str
    job: str
    expenses: int
    income: float
    assets: float
    debt: float
    amount: int
    price: int


model_ref = minibento.models.get("credit_risk_model:latest")  # changed
dv = model_ref.custom_objects["dictVectorizer"]


@minibento.service  # changed
class CreditRiskClassifier:  # changed
    model_runner = model_ref.to_runner()  # changed

    @minibento.api  # changed
    async def classify(self, credit_application: CreditApplication):  # changed
        application_data = credit_application.model_dump()  # changed
        vector = dv.transform(application_data)
        prediction = await self.model_runner.predict(vector[0])  # changed
        print(prediction)
        if prediction > 0.5:
            return {"status": "DECLINED"}
        elif prediction > 0.25:
            return {"status": "MAYBE"}
        else:
            return {"status": "APPROVED"}
