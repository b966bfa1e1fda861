# strait_layer(NAME DEPENDS ...): the static library strait_NAME from NAME/*.c, NAME/*.re, NAME/*.y.
# Only the libraries of the layers named after DEPENDS are linked, and the folder includes by
# "folder/file.h" from the root.
function(strait_layer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
  file(GLOB lexers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.re)
  file(GLOB grammars CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.y)
  set(generated)
  set(generated_folder ${CMAKE_BINARY_DIR}/generated/${name})
  file(MAKE_DIRECTORY ${generated_folder})

  foreach(grammar ${grammars})
    get_filename_component(stem ${grammar} NAME_WE)
    add_custom_command(
      OUTPUT ${generated_folder}/${stem}.c ${generated_folder}/${stem}.h
      COMMAND ${LEMON} -q -d${generated_folder} -T${LEMON_TEMPLATE} ${grammar}
      DEPENDS ${grammar} COMMENT "lemon ${name}/${stem}.y" VERBATIM)
    list(APPEND generated ${generated_folder}/${stem}.c)
  endforeach()
  foreach(lexer ${lexers})
    get_filename_component(stem ${lexer} NAME_WE)
    add_custom_command(
      OUTPUT ${generated_folder}/${stem}.c
      COMMAND ${RE2C} --no-debug-info -W -o ${generated_folder}/${stem}.c ${lexer}
      DEPENDS ${lexer} COMMENT "re2c ${name}/${stem}.re" VERBATIM)
    list(APPEND generated ${generated_folder}/${stem}.c)
  endforeach()
  set_source_files_properties(${generated} PROPERTIES COMPILE_OPTIONS "${STRAIT_GENERATED_OPTIONS}")

  if(NOT sources AND NOT generated)
    add_library(strait_${name} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(strait_${name} STATIC ${sources} ${generated})
    target_link_libraries(strait_${name} PRIVATE strait_warnings)
    set(scope PUBLIC)
    set_property(GLOBAL APPEND PROPERTY STRAIT_OBJECT_LAYERS strait_${name})
  endif()
  target_include_directories(strait_${name} ${scope} ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include
                             ${CMAKE_BINARY_DIR}/generated)
  target_compile_definitions(strait_${name} ${scope} _GNU_SOURCE)
  foreach(dependency ${ARG_DEPENDS})
    if(dependency MATCHES "::|^m$")
      target_link_libraries(strait_${name} ${scope} ${dependency})
    else()
      target_link_libraries(strait_${name} ${scope} strait_${dependency})
    endif()
  endforeach()
endfunction()
