#include "io/io_internal.h"
status sim_env_open(uint64_t seed, struct io_env **out_env)
{
    (void)seed;
    (void)out_env;
    return STATUS_FAIL(STATUS_UNSUPPORTED);
}
