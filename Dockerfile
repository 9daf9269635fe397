# The farm in a slim image: one process, no root, a shell for looking around, and no ENTRYPOINT, so that any command
# can be given: `docker run IMAGE cpfarm run --csms ws://csms:9000 ...`.
#
# Ports are opened on the loopback interface unless a command is told otherwise; `docker run --network host` reaches
# them as they are. A run needs one file descriptor for every station: `--ulimit nofile=65536:65536`.

ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim AS build
WORKDIR /src
RUN python -m venv /opt/cpfarm
# Dependencies first: this layer is kept while only the farm's own code changes.
COPY constraints.txt pyproject.toml LICENSE ./
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > requirements.in \
    && /opt/cpfarm/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -r requirements.in
COPY . .
RUN python -m pip wheel --no-cache-dir --disable-pip-version-check --no-deps --wheel-dir /wheels . \
    && /opt/cpfarm/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps /wheels/*.whl \
    && /opt/cpfarm/bin/pip check

FROM python:${PYTHON_VERSION}-slim
RUN useradd --system --create-home --home-dir /var/lib/cpfarm --shell /bin/bash cpfarm
COPY --from=build /opt/cpfarm /opt/cpfarm
ENV PATH=/opt/cpfarm/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER cpfarm
WORKDIR /var/lib/cpfarm
# 9000 the reference CSMS, 9001 its operations API and files, 9464 metrics and control
EXPOSE 9000 9001 9464
CMD ["cpfarm", "demo"]
