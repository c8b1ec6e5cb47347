import os

import lit.formats
import lit.util

config.name = "dsa"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["data", "outside", "reference", "schedules"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.dsa_build_dir, "test")
config.environment["PATH"] = os.pathsep.join(
    [
        os.path.join(config.dsa_build_dir, "bin"),
        config.llvm_tools_dir,
        os.environ["PATH"],
    ]
)
config.substitutions.append(("%python", config.dsa_python))
config.substitutions.append(("%dsa_bin", os.path.join(config.dsa_build_dir, "bin")))
config.substitutions.append(("%dsa_lib", os.path.join(config.dsa_build_dir, "lib")))
config.substitutions.append(("%source_dir", config.dsa_source_dir))
config.substitutions.append(("%build_dir", config.dsa_build_dir))

# How a test configures a project of another author: as this one was.
configure = f"{config.cmake} -G Ninja"
for language, compiler in (("C", config.c_compiler), ("CXX", config.cxx_compiler)):
    configure += f" -DCMAKE_{language}_COMPILER={compiler}"
    if lit.util.which("ccache"):
        configure += f" -DCMAKE_{language}_COMPILER_LAUNCHER=ccache"
config.substitutions.append(("%configure", configure))
config.substitutions.append(("%cmake", config.cmake))
for name in os.environ:
    if name in ("HOME", "XDG_CACHE_HOME") or name.startswith("CCACHE_"):
        config.environment[name] = os.environ[name]

# Neither a package nor a plugin for other programs is built with sanitizers:
# those programs would have to be linked with them too.
if config.dsa_sanitizers:
    config.available_features.add("sanitizers")
    lit_config.note("left out with sanitizers: tests of the package and the plugin")

# CUDA's assembler is for those who have it, or have it of tools/get-ptxas.sh; all
# else is tested without.
for cuda in (os.environ.get("CUDA_HOME"), os.path.join(config.dsa_build_dir, "cuda")):
    if cuda and lit.util.which("ptxas", os.path.join(cuda, "bin")):
        config.environment["CUDA_HOME"] = cuda
        break
if "CUDA_HOME" in config.environment or lit.util.which("ptxas"):
    config.available_features.add("ptxas")
else:
    lit_config.note("left out without ptxas: tests of what it makes of PTX")
