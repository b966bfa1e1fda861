add_library(strait_warnings INTERFACE)
target_compile_options(strait_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wmissing-prototypes -Wvla
  $<$<BOOL:${STRAIT_WERROR}>:-Werror>)
# A status names its file from the root of the tree, wherever that stands.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
# Generated sources (re2c, Lemon) are compiled without the style warnings: nobody edits them.
set(STRAIT_GENERATED_OPTIONS "-Wno-conversion;-Wno-sign-conversion;-Wno-unused-parameter;-Wno-missing-prototypes;-Wno-shadow;-Wno-pedantic;-Wno-unused-variable;-Wno-unused-function;-Wno-implicit-fallthrough")
