"""mloda-community-openlineage: the extender around a run of mloda with Pandas."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer
from mock_intake_conformance.atlas.transforming import add_job_type

_JOB = """\
import sys

from mloda.community.extenders.openlineage import OpenLineageExtender
from mloda.user import PluginLoader, mloda

PluginLoader.all()
extender = OpenLineageExtender(use_sdk_defaults=True)
asked = "name__avg_aggr" if "--fail" in sys.argv else "amount__sum_aggr"
try:
    result = mloda.run_all(
        features=["id", asked],
        compute_frameworks=["PandasDataFrame"],
        api_data={"Orders": {"id": [1, 2], "name": ["Ada", "Grace"], "amount": [10, 5]}},
        function_extender={extender},
    )
finally:
    extender.close()
print(result)
"""

PRODUCERS = (
    RealProducer(
        "mloda",
        "mloda-community-openlineage",
        Venv(("mloda==0.17.0", "mloda-community-openlineage==0.11.0", "openlineage-python==1.54.0", "pandas==2.3.3")),
        {"job.py": _JOB},
        ("python", "job.py"),
        ("python", "job.py", "--fail"),
        environment={"OPENLINEAGE_NAMESPACE": "shop"},
        how="Give mloda.run_all function_extender={OpenLineageExtender(use_sdk_defaults=True)}, and close it.",
        scenarios=FEW,
        cures=(add_job_type(),),
    ),
)
