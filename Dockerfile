# The service for one bundle, on the CPU: docs/deployment.md, "In a container".
FROM python:3.11-slim AS build
WORKDIR /build
COPY pyproject.toml setup.py constraints.txt LICENSE README.md ./
COPY src ./src
# The base package and the extra `serve`; PyTorch and the rest of training are another extra, and nine tenths of the size.
RUN python -m venv /opt/maskwise \
    && /opt/maskwise/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".[serve]" \
    && /opt/maskwise/bin/pip uninstall --yes --quiet pip setuptools

FROM python:3.11-slim
COPY --from=build /opt/maskwise /opt/maskwise
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
# Nobody's account: the bundle only has to be readable, and nothing is ever written.
USER 65532:65532
VOLUME ["/bundle"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["/opt/maskwise/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["/opt/maskwise/bin/maskwise"]
CMD ["serve", "/bundle", "--host", "0.0.0.0", "--port", "8000"]
