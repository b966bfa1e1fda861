/*
 * strait verify, strait scrub: every block of every table file of a store that no process has open is read and checked. The one
 * changes nothing; the other makes a damaged file anew of what can be read of it.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "compaction/compaction.h"
#include "cql/catalog.h"
#include "engine/store.h"
#include "io/io.h"
#include "tools/tool.h"

static const char verify_usage[] =
    "usage: strait verify [options] DIR ...\n"
    "\n"
    "Reads everything in a store's table files, from the disk, and checks it: checksums, order, counts\n"
    "and the hash of the content; and the commit log as far as it is needed. Changes nothing. No process\n"
    "may have the store open.\n"
    "\n"
    "  --quiet     say nothing of files that are whole\n"
    "  --io BODY   auto (default), uring, threads, workers\n"
    "\n"
    "Of a damaged file it says how many rows can be read, and which tokens lose something; 'strait scrub'\n"
    "mends it. Exit status: 0 all is whole, 1 something is damaged or a store cannot be opened,\n"
    "2 wrong usage.\n";

static const char scrub_usage[] =
    "usage: strait scrub [options] DIR ...\n"
    "\n"
    "Checks as 'strait verify' does, and makes damaged table files anew of all that can be read of them.\n"
    "A copy of each damaged file stays in DIR/lost. Files that only snapshots hold stay as they are. No\n"
    "process may have the store open.\n"
    "\n"
    "  --quiet              say nothing of files that are whole\n"
    "  --io BODY            auto (default), uring, threads, workers\n"
    "  --accept-log-damage  although synced bytes of the commit log are damaged\n"
    "  --set-aside-damaged-tables\n"
    "                       files that cannot be opened at all go to DIR/lost, with all they held\n"
    "\n"
    "Exit status: 0 all is whole now and nothing is lost, 1 something is lost or still damaged,\n"
    "2 wrong usage.\n";

struct tool {
    const char *name, *usage;
    bool mends;
};

static const struct tool verify = {"verify", verify_usage, false};
static const struct tool scrub = {"scrub", scrub_usage, true};

struct order {
    const struct tool *tool;
    bool quiet;
    struct store_options options;
};

/* What was seen of one store. */
struct tally {
    uint64_t files, rows, damaged, mended, rows_lost, pages_lost;
    uint64_t staying; /* damaged ones that stay: nothing was made anew, or a snapshot keeps them */
};

/* ---- names ---- */

static bool name_of_stored(struct store *store, uint64_t id, struct buffer *out, uint64_t *out_base_id)
{
    struct store_table found;
    struct buffer properties = {0};
    struct cql_table *table = NULL;
    *out_base_id = 0;
    bool known = id && ok(store_next_table(store, id - 1, &found, &properties)) && found.id == id &&
                 ok(catalog_decode_table(buffer_slice(&properties), id, &table, out_base_id));
    if (table)
        buffer_printf(out, "%s.%s", table->keyspace, table->name);
    table_unref(table);
    buffer_deinit(&properties);
    return known;
}

/* "chat.messages", "an index of chat.messages", or the number when the schema does not say. */
static void print_name(struct store *store, const struct store_file *file)
{
    struct buffer name = {0};
    uint64_t base_id, nothing;
    bool known = file->in_table && name_of_stored(store, file->table_id, &name, &base_id);
    const char *index = known && base_id ? "an index of " : "";
    if (known && base_id)
        known = name_of_stored(store, base_id, &name, &nothing);
    if (known && name.bytes)
        printf("%s%.*s%s", index, (int)name.bytes, (const char *)name.data,
               file->in_snapshot ? " and a snapshot" : "");
    else
        printf(file->in_table ? "table %llu" : "a snapshot's copy, table %llu",
               (unsigned long long)file->table_id);
    buffer_deinit(&name);
}

static void print_file(struct store *store, const struct store_file *file)
{
    char name[64];
    compaction_table_name(file->number, name);
    printf("table/%s  ", name);
    print_name(store, file);
    printf("  %llu rows, %llu partitions, %llu bytes: ", (unsigned long long)file->rows,
           (unsigned long long)file->partitions, (unsigned long long)file->bytes);
}

/* ---- one file ---- */

static void print_losses(const struct store_file *file, const struct store_file_check *check)
{
    printf("  %llu of %llu rows can be read\n", (unsigned long long)check->rows_read,
           (unsigned long long)file->rows);
    if (check->pages_restored)
        printf("  restored: %llu pages of the directory, from the others of their groups; nothing is lost "
               "with them\n",
               (unsigned long long)check->pages_restored);
    for (uint32_t i = 0; i < check->loss_count; i++) {
        const struct store_loss *loss = &check->losses[i];
        if (loss->rows)
            printf("  lost: %llu rows of the partition with token %lld\n", (unsigned long long)loss->rows,
                   (long long)loss->first_token);
        else
            printf("  lost: %llu partitions with tokens %lld to %lld, with the page that names them\n",
                   (unsigned long long)loss->partitions, (long long)loss->first_token,
                   (long long)loss->last_token);
    }
    uint64_t places = check->pages_lost + check->partitions_hurt;
    if (places > check->loss_count)
        printf("  lost: something in %llu other places\n", (unsigned long long)(places - check->loss_count));
    if (check->made_anew)
        printf("  made anew; a copy of the damaged file is in lost/%s\n",
               file->in_snapshot ? "; a snapshot keeps the damaged one" : "");
    else if (!file->in_table)
        printf("  a snapshot's: it stays as it is, and goes when the snapshot is dropped\n");
}

static void print_status(status st)
{
    char reason[256];
    status_print(st, reason, sizeof reason);
    printf("DAMAGED: %s\n", reason);
}

static status file_check(const struct order *order, struct store *store, const struct store_file *file,
                         struct tally *tally)
{
    struct store_file_check check = {.found = file->opened};
    tally->files++;
    tally->rows += file->rows;
    if (ok(file->opened))
        TRY(order->tool->mends ? store_scrub_file(store, file->number, &check)
                               : store_check_file(store, file->number, &check));
    if (ok(check.found) && order->quiet)
        return STATUS_DONE;
    print_file(store, file);
    if (ok(check.found)) {
        printf("whole\n");
        return STATUS_DONE;
    }
    print_status(check.found);
    tally->damaged++;
    tally->mended += check.made_anew;
    tally->staying += !check.made_anew || file->in_snapshot;
    if (failed(file->opened)) {
        printf("  it cannot be opened: everything in it is lost%s\n",
               order->tool->mends ? "; it is in lost/ now" : "");
        tally->rows_lost += file->rows;
        return STATUS_DONE;
    }
    print_losses(file, &check);
    tally->rows_lost += check.rows_lost;
    tally->pages_lost += check.pages_lost;
    return STATUS_DONE;
}

/* ---- one store ---- */

/* New files have numbers above all that were there; they were checked when they were made. */
static status files_check(const struct order *order, struct store *store, struct tally *tally)
{
    struct store_file file = {0}, last = {0};
    status st = STATUS_DONE;
    for (uint64_t above = 0; ok(store_next_file(store, above, &file)); above = file.number)
        last = file;
    for (uint64_t above = 0; ok(st) && above < last.number; above = file.number) {
        st = store_next_file(store, above, &file);
        if (ok(st))
            st = file_check(order, store, &file, tally);
    }
    return st;
}

static const char *explain(const struct order *order, status st)
{
    switch (st.code) {
    case STATUS_BUSY: return "another process has this store open";
    case STATUS_NOT_FOUND: return "there is no store";
    case STATUS_CORRUPT:
        return order->tool->mends
                   ? "damaged beyond what can be opened; 'strait verify' tells what: --accept-log-damage "
                     "does without the damaged part of the commit log, --set-aside-damaged-tables without "
                     "files that cannot be opened"
                   : "damaged beyond what can be opened; 'strait inspect' shows the files one by one";
    case STATUS_UNSUPPORTED: return "the store was written by a newer version of Strait";
    case STATUS_INVALID: return "the folder holds other files and is not a store";
    default: return "it cannot be opened";
    }
}

static bool fail(const struct order *order, const char *folder, const char *what, status st)
{
    char reason[256];
    status_print(st, reason, sizeof reason);
    fflush(stdout);
    fprintf(stderr, "strait %s: %s: %s (%s)\n", order->tool->name, folder, what, reason);
    return false;
}

static bool summary_print(const struct order *order, const struct store_stats *stats,
                          const struct tally *tally)
{
    bool logs_whole = !stats->logs_damaged;
    printf("%llu files with %llu rows: %llu damaged, %llu of these made anew; %llu rows lost\n",
           (unsigned long long)tally->files, (unsigned long long)tally->rows,
           (unsigned long long)tally->damaged, (unsigned long long)tally->mended,
           (unsigned long long)tally->rows_lost);
    if (order->tool->mends && tally->mended + tally->staying > tally->damaged)
        printf("%llu of those made anew stay damaged in snapshots, until these are dropped\n",
               (unsigned long long)(tally->mended + tally->staying - tally->damaged));
    printf("commit log: %llu batches%s%s\n", (unsigned long long)stats->recovered_batches,
           stats->log_tail_torn ? "; its end is torn, as a power cut leaves it" : "",
           logs_whole ? "" : "; DAMAGED: what lies behind is lost");
    if (!logs_whole && !order->tool->mends)
        printf("  'strait scrub --accept-log-damage' goes on with what lies before\n");
    if (order->tool->mends)
        return logs_whole && !tally->staying && !tally->rows_lost && !tally->pages_lost;
    return logs_whole && !tally->damaged;
}

static bool store_work(const struct order *order, const char *folder)
{
    struct store_options options = order->options;
    struct store *store;
    struct store_stats stats;
    struct tally tally = {0};
    options.folder = folder;
    status st = store_open(&options, &store);
    if (failed(st))
        return fail(order, folder, explain(order, st), st);
    st = files_check(order, store, &tally);
    store_stats(store, &stats);
    status closed = store_close(store);
    if (ok(st))
        st = closed;
    if (failed(st))
        return fail(order, folder, "not finished", st);
    return summary_print(order, &stats, &tally);
}

/* ---- usage ---- */

enum { OPTION_QUIET = 256, OPTION_IO, OPTION_ACCEPT_LOG_DAMAGE, OPTION_SET_ASIDE };

static const struct option long_options[] = {
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"io", required_argument, NULL, OPTION_IO},
    {"help", no_argument, NULL, 'h'},
    {"accept-log-damage", no_argument, NULL, OPTION_ACCEPT_LOG_DAMAGE},
    {"set-aside-damaged-tables", no_argument, NULL, OPTION_SET_ASIDE},
    {0},
};

/* -1: go on; else the exit status. */
static int order_take(struct order *order, int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        bool only_mending = option == OPTION_ACCEPT_LOG_DAMAGE || option == OPTION_SET_ASIDE;
        if (only_mending && !order->tool->mends)
            option = '?';
        switch (option) {
        case OPTION_QUIET: order->quiet = true; break;
        case OPTION_IO: order->options.io = optarg; break;
        case OPTION_ACCEPT_LOG_DAMAGE: order->options.accept_log_damage = true; break;
        case OPTION_SET_ASIDE: order->options.set_aside_damaged_tables = true; break;
        case 'h': fputs(order->tool->usage, stdout); return 0;
        default: fputs(order->tool->usage, stderr); return 2;
        }
    }
    enum io_body body;
    if (optind < argc && (!order->options.io || io_disk_body_of(order->options.io, &body)))
        return -1;
    fputs(order->tool->usage, stderr);
    return 2;
}

static int run(const struct tool *tool, int argc, char **argv)
{
    /* Who looks opens whatever can be opened, and writes nothing. */
    struct order order = {.tool = tool,
                          .options = {.must_exist = true,
                                      .read_only = !tool->mends,
                                      .accept_log_damage = !tool->mends,
                                      .set_aside_damaged_tables = !tool->mends,
                                      .background = STORE_BACKGROUND_MANUAL}};
    int exit_status = order_take(&order, argc, argv);
    if (exit_status >= 0)
        return exit_status;
    bool good = true;
    for (int i = optind; i < argc; i++) {
        if (argc - optind > 1)
            printf("%s:\n", argv[i]);
        good &= store_work(&order, argv[i]);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("strait: standard output");
        return 1;
    }
    return good ? 0 : 1;
}

int tool_verify(int argc, char **argv)
{
    return run(&verify, argc, argv);
}

int tool_scrub(int argc, char **argv)
{
    return run(&scrub, argc, argv);
}
