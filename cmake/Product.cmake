# What is shipped: libstrait (static and shared) from the layers below the server, the header, a pkg-config file, a
# CMake package, and the program `strait`.
set(STRAIT_LIBRARY_LAYERS base io row memtable commitlog sstable compaction engine cql)
set(STRAIT_EXTERNAL PkgConfig::XXHASH PkgConfig::LIBURING PkgConfig::ZSTD PkgConfig::GMP OpenSSL::Crypto Threads::Threads m)

get_property(built GLOBAL PROPERTY STRAIT_OBJECT_LAYERS)
set(objects)
foreach(layer ${STRAIT_LIBRARY_LAYERS})
  if(strait_${layer} IN_LIST built)
    list(APPEND objects $<TARGET_OBJECTS:strait_${layer}>)
  endif()
endforeach()

if(objects)
  add_library(strait_archive STATIC ${objects})
  add_library(strait_shared SHARED ${objects})
  foreach(library strait_archive strait_shared)
    set_target_properties(${library} PROPERTIES OUTPUT_NAME strait LINKER_LANGUAGE C)
    target_link_libraries(${library} PRIVATE ${STRAIT_EXTERNAL})
  endforeach()
  set_target_properties(strait_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
  install(TARGETS strait_archive strait_shared
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES include/strait.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

  configure_file(cmake/strait.pc.in strait.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/strait.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

  include(CMakePackageConfigHelpers)
  configure_package_config_file(cmake/StraitConfig.cmake.in StraitConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Strait)
  write_basic_package_version_file(StraitConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_BINARY_DIR}/StraitConfig.cmake ${CMAKE_BINARY_DIR}/StraitConfigVersion.cmake
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Strait)
endif()

# One file per subcommand.
file(GLOB tool_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/*.c)
if(tool_sources)
  # The demo carries the schema that the tests and examples use.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/examples/crystal.cql)
  file(STRINGS ${CMAKE_SOURCE_DIR}/examples/crystal.cql schema_lines)
  set(CRYSTAL_SCHEMA "")
  foreach(line IN LISTS schema_lines)
    string(REPLACE "\\" "\\\\" line "${line}")
    string(REPLACE "\"" "\\\"" line "${line}")
    string(APPEND CRYSTAL_SCHEMA "    \"${line}\\n\"\n")
  endforeach()
  configure_file(cmake/crystal_schema.c.in ${CMAKE_BINARY_DIR}/generated/tools/crystal_schema.c @ONLY)
  set_source_files_properties(${CMAKE_BINARY_DIR}/generated/tools/crystal_schema.c PROPERTIES COMPILE_OPTIONS
                              -Wno-overlength-strings)
  add_executable(strait ${tool_sources} ${CMAKE_BINARY_DIR}/generated/tools/crystal_schema.c)
  target_link_libraries(strait PRIVATE strait_server strait_cql strait_engine PkgConfig::EDIT m strait_warnings)
  install(TARGETS strait RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
