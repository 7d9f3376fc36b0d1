# The exporter and a pgBackRest client in one image: no root, no compiler, no pip, nothing written at run time. And a second
# image, with PostgreSQL's server in it, for restore tests (restore-test, near the end).
#
#   docker build --tag pgbackrest-exporter .
#   docker build --tag pgbackrest-exporter-restore-test --target restore-test .
#   docker run --rm --read-only --publish 9854:9854 --user "$(id -u postgres):$(id -g postgres)" \
#       --volume /etc/pgbackrest:/etc/pgbackrest:ro --volume /var/lib/pgbackrest:/var/lib/pgbackrest:ro pgbackrest-exporter
#
# With podman or buildah add `--format docker`: the OCI format has no health check and drops it.
# A package index of your own: --secret id=pip.conf,src=/etc/pip.conf (and id=ca.crt,src=… when its certificate is
# signed by your own authority; pip.conf then says `cert = /run/secrets/ca.crt`). Neither is kept in the image.
#
# pgBackRest is the base's: 2.45 on Debian 12. Over ssh or its own TLS server pgBackRest wants the same version at both
# ends, so for another one name a base whose apt sources offer it: --build-arg BASE=….
ARG BASE=docker.io/library/debian:12-slim

FROM ${BASE} AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3 python3-venv
WORKDIR /src
COPY requirements.txt requirements-build.txt ./
# Two environments: what builds the wheel stays here, and the one that is shipped never sees pip.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.crt \
    python3 -m venv /opt/build \
 && python3 -m venv --without-pip /opt/pgbackrest-exporter \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes --requirement requirements-build.txt \
 && /opt/build/bin/pip --python /opt/pgbackrest-exporter/bin/python install --no-cache-dir \
        --require-hashes --only-binary :all: --requirement requirements.txt
COPY LICENSE README.md pyproject.toml ./
COPY exporter exporter
RUN /opt/build/bin/pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir /opt/wheel . \
 && /opt/build/bin/pip --python /opt/pgbackrest-exporter/bin/python install --no-cache-dir --no-index --no-deps /opt/wheel/*.whl

FROM ${BASE} AS exporter
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="pgbackrest-exporter" \
      org.opencontainers.image.description="Prometheus exporter that tells whether PostgreSQL databases backed up by pgBackRest can be recovered" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${BASE}"
# Debian's package wants postgresql-common and with it all of Perl, of which the client uses nothing. So it is unpacked
# beside its libraries, and recorded in status.d, where scanners look for packages that dpkg did not install.
# ca-certificates: repositories in S3, Azure and GCS. tini: as PID 1 it reaps what a killed pgbackrest leaves behind.
RUN apt-get update \
 && cd /tmp \
 && apt-get download pgbackrest \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates python3 tini \
        $(dpkg-deb --field pgbackrest_*.deb Depends | tr , '\n' | sed 's/[(|].*//' | grep -v postgresql-common) \
 && dpkg-deb --fsys-tarfile pgbackrest_*.deb | tar --extract --directory / ./usr/bin/pgbackrest \
 && mkdir -p /var/lib/dpkg/status.d \
 && dpkg-deb --field pgbackrest_*.deb > /var/lib/dpkg/status.d/pgbackrest \
 && pgbackrest version \
 && groupadd --gid 65532 exporter \
 && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin exporter \
 && rm -rf /tmp/pgbackrest_*.deb /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/*.log
COPY --from=build /opt/pgbackrest-exporter /opt/pgbackrest-exporter
ENV PATH=/opt/pgbackrest-exporter/bin:/usr/local/bin:/usr/bin:/bin

# Any uid will do (the repository's owner is the one that can read it): nothing below depends on this one.
USER 65532:65532
EXPOSE 9854
# Any answer counts: 200; 401 where users are set; and where TLS is on, the refusal of a plain request, which the event
# loop has to send as well. For another port give --health-cmd; Kubernetes has its own probes and ignores this.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python3", "-ISc", "import socket; s = socket.create_connection(('127.0.0.1', 9854), 4); s.sendall(b'GET /-/healthy HTTP/1.0\\r\\n\\r\\n'); s.recv(1)"]
ENTRYPOINT ["tini", "--", "pgbackrest-exporter"]

# For `restore-test`: the server and client programs of the PostgreSQL whose backups are to be proven, --build-arg
# POSTGRESQL=17 where the base's apt sources offer it. The locales are those of the databases: without its own a restored
# one takes no connection. As above the packages are unpacked beside their libraries: their Perl is for administrators, and
# without LLVM a query is merely not compiled.
FROM exporter AS restore-test
ARG POSTGRESQL=15
ARG LOCALES=en_US.UTF-8
USER 0:0
RUN apt-get update \
 && cd /tmp \
 && apt-get download postgresql-${POSTGRESQL} postgresql-client-${POSTGRESQL} \
 && for package in postgresql*.deb; do dpkg-deb --field "$package" Depends | tr , '\n' | sed 's/[(|].*//'; done \
        | grep -v -e postgresql -e llvm -e ssl-cert -e sensible-utils >depends \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends locales $(cat depends) \
 && for package in postgresql*.deb; do \
        dpkg-deb --field "$package" >/var/lib/dpkg/status.d/"${package%%_*}" \
     && dpkg-deb --fsys-tarfile "$package" | tar --extract --directory / --exclude '*/bitcode' --exclude 'llvmjit*' \
            --exclude '*/locale' --wildcards './usr/lib/postgresql/*' './usr/share/postgresql/*' || exit 1; \
    done \
 && for locale in ${LOCALES}; do localedef --inputfile "${locale%.*}" --charmap "${locale#*.}" "$locale" || exit 1; done \
 && /usr/lib/postgresql/${POSTGRESQL}/bin/postgres --version \
 && rm -rf /tmp/* /usr/share/i18n /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/*.log
USER 65532:65532
# It is a job, and ends.
HEALTHCHECK NONE

# The last one is what `docker build` makes when it is asked for no other.
FROM exporter
