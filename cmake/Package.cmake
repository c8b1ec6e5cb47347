# What `cmake --install` makes, and what find_package(DSA) finds, there and in
# the build folder.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/dsa)
set(build_package_folder ${PROJECT_BINARY_DIR}/lib/cmake/dsa)

configure_file(cmake/DSAConfig.cmake.in ${build_package_folder}/DSAConfig.cmake
               @ONLY)
write_basic_package_version_file(
  ${build_package_folder}/DSAConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
export(EXPORT DSATargets NAMESPACE DSA::
       FILE ${build_package_folder}/DSATargets.cmake)

install(EXPORT DSATargets NAMESPACE DSA:: DESTINATION ${package_folder})
install(FILES ${build_package_folder}/DSAConfig.cmake
              ${build_package_folder}/DSAConfigVersion.cmake
        DESTINATION ${package_folder})

# Headers of what is exported; those of the tools' own libraries stay here.
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td"
  PATTERN "Support" EXCLUDE PATTERN "Execution" EXCLUDE)
install(DIRECTORY ${PROJECT_BINARY_DIR}/include/dsa
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)
