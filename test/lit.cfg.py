import os

import lit.formats

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
config.substitutions.append(("%mlir_dir", config.mlir_dir))
if config.dsa_sanitizers:
    config.available_features.add("sanitizers")
    lit_config.note("with sanitizers, programs that are built without them cannot load ours: "
                    "the tests of the plugin and of the package are left out")
