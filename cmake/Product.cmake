# The program `strait`, from tools/*.c: one file per subcommand.
file(GLOB tool_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/*.c)
if(tool_sources)
  add_executable(strait ${tool_sources})
  target_link_libraries(strait PRIVATE strait_server strait_cql strait_engine PkgConfig::EDIT m strait_warnings)
  install(TARGETS strait RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
