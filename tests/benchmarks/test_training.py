import pickle
from pathlib import Path

from benchmarks import credit_data, training, workload


def test_both_models_answer_alike_alone_in_a_batch_and_from_their_pickle(tmp_path: Path) -> None:
    applications, defaulted = credit_data.load()
    models = training.train(applications[:500], defaulted[:500], tmp_path)
    rows = applications[500:510]
    for name in training.MODELS:
        again = pickle.loads((tmp_path / f"{name}.pkl").read_bytes())
        right = workload.modelled(rows, models[name])
        batch = again.predict_proba(rows)[:, 1]
        alone = [answer["probability"] for answer in right.answers]
        assert abs(batch - alone).max() < 1e-9
        assert len(set(alone)) > 5
