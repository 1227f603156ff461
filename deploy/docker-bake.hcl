# From the root of the checkout. Both images:  docker buildx bake -f deploy/docker-bake.hcl
# One of them, for both processors:  docker buildx bake -f deploy/docker-bake.hcl cpu --set cpu.platform=linux/amd64,linux/arm64

variable "TAG" { default = "0.1.0" }
variable "REVISION" { default = "unknown" }
variable "PYTHON" { default = "python:3.11-slim-bookworm" }

group "default" { targets = ["cpu", "cuda"] }

target "image" {
  context    = "."
  dockerfile = "deploy/image/Dockerfile"
  args       = { PYTHON = PYTHON, REVISION = REVISION }
}

target "cpu" {
  inherits = ["image"]
  target   = "cpu"
  tags     = ["malgwi:cpu-${TAG}"]
}

target "cuda" {
  inherits  = ["image"]
  target    = "cuda"
  tags      = ["malgwi:cuda-${TAG}"]
  platforms = ["linux/amd64"]
}
