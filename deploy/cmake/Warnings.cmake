# Every target of ours is made through m2_library or m2_program, so that language level, warnings,
# sanitizers and hardening are set in one place.

add_library(m2_compile INTERFACE)
target_include_directories(m2_compile INTERFACE ${PROJECT_SOURCE_DIR})
target_include_directories(m2_compile SYSTEM INTERFACE ${UTHASH_INCLUDE_DIR})
target_compile_definitions(m2_compile INTERFACE _GNU_SOURCE M2_VERSION="${PROJECT_VERSION}")
target_compile_options(m2_compile INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef
  -fno-strict-aliasing -fno-omit-frame-pointer)
if(M2_WERROR)
  target_compile_options(m2_compile INTERFACE -Werror)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(m2_compile INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
                                              -fstack-protector-strong)
  target_link_options(m2_compile INTERFACE -Wl,-z,relro,-z,now)
endif()
if(M2_SANITIZE)
  target_compile_options(m2_compile INTERFACE -fsanitize=${M2_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(m2_compile INTERFACE -fsanitize=${M2_SANITIZE})
endif()
if(M2_FUZZ)
  target_compile_options(m2_compile INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(M2_COVERAGE)
  target_compile_options(m2_compile INTERFACE --coverage -O0)
  target_link_options(m2_compile INTERFACE --coverage)
endif()

# m2_library(NAME SOURCE...): a static library of ours; sources relative to the calling folder.
function(m2_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC m2_compile)
endfunction()

# m2_program(NAME SOURCE...): a program in build/bin.
function(m2_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE m2_compile)
endfunction()

# m2_plugin(FOLDER NAME SOURCE...): a shared object in lib/mongrel2/FOLDER, linked against nothing of
# ours.
function(m2_plugin folder name)
  set(target plugin.${folder}.${name})
  add_library(${target} MODULE ${ARGN})
  target_link_libraries(${target} PRIVATE m2_compile)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/node/plugin)
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/mongrel2/${folder})
  install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/mongrel2/${folder})
endfunction()

# m2_embed(TARGET NAME FILE): the text of FILE as `const char NAME[]` in a source of TARGET.
function(m2_embed target name file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  file(READ ${file} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  file(CONFIGURE OUTPUT ${source} CONTENT
       "extern const char ${name}[];\nconst char ${name}[] =\n    \"@text@\";\n" @ONLY)
  target_sources(${target} PRIVATE ${source})
endfunction()
