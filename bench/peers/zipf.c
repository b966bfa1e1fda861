#include "bench/peers/zipf.h"

#include <math.h>
#include <stdlib.h>

/* Split the ranks into those with less and with more than their even share, and let each of the first borrow the rest
 * of its slot from one of the second. */
static void fill(struct zipf *zipf, double *share, uint32_t *small, uint32_t *large)
{
    uint32_t smalls = 0, larges = 0;
    for (uint32_t r = 0; r < zipf->count; r++) {
        if (share[r] < 1)
            small[smalls++] = r;
        else
            large[larges++] = r;
    }
    while (smalls && larges) {
        uint32_t poor = small[--smalls], rich = large[larges - 1];
        zipf->keep[poor] = (uint32_t)(share[poor] * 0x1p32);
        zipf->alias[poor] = rich;
        share[rich] -= 1 - share[poor];
        if (share[rich] < 1) {
            larges--;
            small[smalls++] = rich;
        }
    }
    while (smalls || larges) {
        uint32_t full = smalls ? small[--smalls] : large[--larges];
        zipf->keep[full] = UINT32_MAX;
        zipf->alias[full] = full;
    }
}

bool zipf_init(struct zipf *zipf, uint32_t count, double exponent, double shift)
{
    double sum = 0;
    double *share = calloc(count, sizeof *share);
    uint32_t *small = calloc(count, sizeof *small), *large = calloc(count, sizeof *large);
    *zipf = (struct zipf){.count = count,
                          .alias = calloc(count, sizeof *zipf->alias),
                          .keep = calloc(count, sizeof *zipf->keep)};
    bool made = share && small && large && zipf->alias && zipf->keep;
    if (made) {
        for (uint32_t r = 0; r < count; r++)
            sum += share[r] = pow(r + 1 + shift, -exponent);
        for (uint32_t r = 0; r < count; r++)
            share[r] *= count / sum;
        fill(zipf, share, small, large);
    } else {
        zipf_deinit(zipf);
    }
    free(share);
    free(small);
    free(large);
    return made;
}

void zipf_deinit(struct zipf *zipf)
{
    free(zipf->alias);
    free(zipf->keep);
    *zipf = (struct zipf){0};
}
