# squeezebert serve in a small image: no compiler, no torch, no root.
#   docker build -t squeezebert .
#   docker run --rm -p 8000:8000 squeezebert news=squeezebert-small-news ner=squeezebert-small-ner

FROM python:3.11-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY native native
COPY src src
RUN python -m venv /opt/squeezebert \
    && /opt/squeezebert/bin/pip install --no-cache-dir -c constraints.txt ".[serve]"

FROM python:3.11-slim
COPY --from=build /opt/squeezebert /opt/squeezebert
RUN useradd --system --create-home --uid 10001 squeezebert
USER squeezebert
ENV PATH=/opt/squeezebert/bin:$PATH \
    PYTHONUNBUFFERED=1
EXPOSE 8000
# Models are loaded before the port answers, and /ready needs no token.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
ENTRYPOINT ["squeezebert", "serve", "--host", "0.0.0.0", "--port", "8000"]
CMD ["squeezebert-small-news"]
