# All images of Gatehouse: docker build --target accounts -t gatehouse/accounts .
# "make images" builds them all, with the version of the checkout.

ARG GO_VERSION=1.26.8
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine AS build
WORKDIR /src
COPY . .
ARG VERSION=dev
ARG TARGETOS=linux
ARG TARGETARCH=amd64
# Time zones and nothing else come with the programs: an image has no files but those below.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -tags timetzdata \
    -ldflags "-s -w -X github.com/gatehouse-id/gatehouse/pkg/app.version=$VERSION" -o /out/ ./services/*/cmd/*
# For the user that the programs run as: a folder to keep things in, and one for what is passing.
RUN mkdir -p /root-of-image/data /root-of-image/tmp && chmod 700 /root-of-image/data

FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /root-of-image /
USER 65532:65532
EXPOSE 8080 9090
ARG VERSION=dev
LABEL org.opencontainers.image.source=https://github.com/gatehouse-id/gatehouse \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION

FROM base AS gateway
COPY --from=build /out/gateway /gateway
HEALTHCHECK --interval=5s --timeout=5s --start-period=90s --retries=3 CMD ["/gateway", "healthcheck"]
ENTRYPOINT ["/gateway"]

FROM base AS accounts
COPY --from=build /out/accounts /accounts
HEALTHCHECK --interval=5s --timeout=5s --start-period=90s --retries=3 CMD ["/accounts", "healthcheck"]
ENTRYPOINT ["/accounts"]

FROM base AS sessions
COPY --from=build /out/sessions /sessions
HEALTHCHECK --interval=5s --timeout=5s --start-period=90s --retries=3 CMD ["/sessions", "healthcheck"]
ENTRYPOINT ["/sessions"]

FROM base AS mail
COPY --from=build /out/mail /mail
HEALTHCHECK --interval=5s --timeout=5s --start-period=90s --retries=3 CMD ["/mail", "healthcheck"]
ENTRYPOINT ["/mail"]

FROM base AS oauth
COPY --from=build /out/oauth /oauth
HEALTHCHECK --interval=5s --timeout=5s --start-period=90s --retries=3 CMD ["/oauth", "healthcheck"]
ENTRYPOINT ["/oauth"]

# All of them in one process, and the operator's command line.
FROM base AS gatehouse
COPY --from=build /out/gatehouse /gatehouse
ENV GATEHOUSE_LISTEN=:8080 GATEHOUSE_DEBUG_LISTEN=:9090 GATEHOUSE_DATA_DIR=/data
VOLUME /data
HEALTHCHECK --interval=5s --timeout=5s --start-period=90s --retries=3 CMD ["/gatehouse", "healthcheck"]
ENTRYPOINT ["/gatehouse"]
CMD ["serve"]
