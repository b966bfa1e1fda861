/* crystal_schema.h: examples/crystal.cql as text: the keyspace, tables and indexes of the crystal application. */
#ifndef STRAIT_TOOLS_CRYSTAL_SCHEMA_H
#define STRAIT_TOOLS_CRYSTAL_SCHEMA_H

extern const char crystal_schema[];

#endif
