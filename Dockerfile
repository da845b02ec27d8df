# The stack that `make run` serves, in a container: `docker compose up`. For development and demonstrations only; the stack for
# production is template.yaml.
FROM python:3.13-slim-trixie

WORKDIR /app
COPY requirements/pip.txt requirements/local.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/pip.txt \
    && pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/local.txt
COPY template.yaml .
COPY layers layers
COPY client client
COPY functions functions
COPY local local

RUN useradd --create-home local && install -d -o local -m 0700 /data
USER local
VOLUME /data
# HOST is every address of the container; compose.yaml publishes the port on this machine's loopback address.
ENV PYTHONPATH=/app/layers/shared:/app/client:/app PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8787 DATA=/data
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=5s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8787/manage/v1/openapi.json')"]
CMD ["python", "-m", "local"]
