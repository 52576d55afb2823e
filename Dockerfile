# The intake as a service: docs/how-to/container.md.
# tests/test_container.py runs these steps where there is no container runtime; keep to what it can read.
FROM python:3.11-slim

WORKDIR /build
COPY pyproject.toml hatch_build.py constraints.txt README.md LICENSE ./
COPY mock_intake ./mock_intake
COPY conformance ./conformance
COPY pytest_plugin ./pytest_plugin
RUN PIP_CONSTRAINT=constraints.txt pip install --no-cache-dir --disable-pip-version-check --no-input .

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin intake \
    && install --directory --owner=10001 --group=10001 /data
WORKDIR /data
# By number, so that a platform can see that it is not root.
USER 10001
VOLUME /data
EXPOSE 8580

HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8580, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]

# Reached from elsewhere, so it does not start without MOCK_INTAKE_CONTROL_TOKEN. More options come from the
# variable MOCK_INTAKE_OPTIONS, for services that take no arguments, and from the arguments.
ENTRYPOINT ["sh", "-c", "exec mock-intake serve --host 0.0.0.0 --port 8580 --journal /data/journal.db $MOCK_INTAKE_OPTIONS \"$@\"", "mock-intake"]
CMD []
