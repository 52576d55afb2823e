"""The files under deploy/ by the schemas of those who read them: there is no cluster and no container runtime here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]
from compose_spec import PyCompose
from yamllint import linter  # type: ignore[import-untyped]
from yamllint.config import YamlLintConfig  # type: ignore[import-untyped]

from mock_intake import IntakeServer
from tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
KUSTOMIZE = DEPLOY / "kustomize"
YAML = sorted(DEPLOY.rglob("*.yaml"))
# The oldest and the newest Kubernetes that manifests are looked at for.
VERSIONS = ("1.31", "1.37")


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


@pytest.mark.parametrize("file", YAML, ids=lambda file: file.name)
def test_it_is_tidy_yaml(file: Path) -> None:
    config = YamlLintConfig("{extends: default, rules: {document-start: disable, line-length: {max: 120}}}")
    assert [str(problem) for problem in linter.run(file.read_text(), config)] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_what_kubernetes_takes(version: str) -> None:
    kustomization = read("kustomize/kustomization.yaml")
    names = {file.name for file in KUSTOMIZE.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == names
    for name in kustomization["resources"]:
        kubernetes_validate.validate(read(f"kustomize/{name}"), version, strict=True)


def test_manifests_fit_together() -> None:
    kustomization = read("kustomize/kustomization.yaml")
    deployment, service, budget = (
        read(f"kustomize/{name}.yaml") for name in ("deployment", "service", "poddisruptionbudget")
    )
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    labels = pod["metadata"]["labels"].items()
    for selector in (
        deployment["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        budget["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels
    assert deployment["spec"]["replicas"] > budget["spec"]["minAvailable"]
    assert [image["name"] for image in kustomization["images"]] == [container["image"]]
    assert {port["name"] for port in container["ports"]} == {service["spec"]["ports"][0]["targetPort"]}
    made = {generator["name"] for kind in ("configMap", "secret") for generator in kustomization[f"{kind}Generator"]}
    assert {reference["name"] for source in container["envFrom"] for reference in source.values()} == made
    assert {"secrets.env"} == {name for each in kustomization["secretGenerator"] for name in each["envs"]}
    assert "secrets.env" in (KUSTOMIZE / ".gitignore").read_text().split()


def test_probes_ask_for_what_the_server_answers() -> None:
    (container,) = read("kustomize/deployment.yaml")["spec"]["template"]["spec"]["containers"]
    probes = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert "option httpchk GET /readyz" in (DEPLOY / "haproxy.cfg").read_text()
    with IntakeServer() as server:
        for path in {*probes.values()}:
            assert httpx.get(server.url + path).status_code == 200


def test_the_compose_file_is_one_and_has_no_secret_in_it() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    PyCompose.from_yaml(text).validate()
    compose = yaml.safe_load(text)
    intake = compose["services"]["intake"]
    assert intake["deploy"]["replicas"] == 2
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or "TOKEN" in name:
                assert value.startswith("${")
    assert "@database/" in intake["environment"]["MOCK_INTAKE_SERVE_JOURNAL"]


def test_the_image_of_replicas_is_made_of_the_repositorys_and_is_not_root() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    steps = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert steps == ["FROM", "USER", "RUN", "USER", "ENTRYPOINT", "CMD"]
    assert [line for line in lines if line.startswith("USER")][-1] == "USER 10001"
    used = {read("compose.yaml")["services"]["intake"]["image"], *_images()}
    assert used == {"mock-intake-postgres"}


def _images() -> set[str]:
    pod = read("kustomize/deployment.yaml")["spec"]["template"]["spec"]
    return {container["image"] for container in pod["containers"]}
