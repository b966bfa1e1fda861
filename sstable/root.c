#include "sstable/root_internal.h"

#include "base/hash.h"

static const uint8_t root_magic[8] = {'S', 'T', 'R', 'A', 'I', 'T', 'S', 'S'};

enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_INCOMPATIBLE = 12,
    AT_COMPATIBLE = 16,
    AT_PARITY_PAGES = 20,
    AT_STORE_ID = 24,
    AT_TABLE_ID = 32,
    AT_FILE_NUMBER = 40,
    AT_FILE_BYTES = 48,
    AT_DATA_END = 56,
    AT_DIRECTORY_INDEX = 64,
    AT_FILTER = 88,
    AT_DICTIONARIES = 112,
    AT_DICTIONARY_ID = 160,
    AT_STATISTICS_BYTES = 168,
    AT_STATISTICS = 172,
    REF_BYTES = 24,
    AT_CHECKSUM = ROOT_BYTES - 8,
    KNOWN_INCOMPATIBLE = ROOT_FEATURE_DICTIONARY,
    TAIL_BYTES = 32 << 10,
};

static void ref_store(uint8_t *at, const struct frame_ref *ref)
{
    store_le64(at, ref->offset);
    store_le32(at + 8, ref->bytes);
    store_le32(at + 12, 0);
    store_le64(at + 16, ref->checksum);
}

static struct frame_ref ref_load(const uint8_t *at)
{
    return (struct frame_ref){
        .offset = load_le64(at), .bytes = load_le32(at + 8), .checksum = load_le64(at + 16)};
}

static uint64_t root_checksum(uint64_t store_id, uint64_t file_number, uint64_t offset, const uint8_t *bytes)
{
    return hash64(slice_of(bytes, AT_CHECKSUM), hash_place(store_id, file_number, offset));
}

status root_encode(const struct root *root, uint64_t offset, uint8_t *out)
{
    struct buffer statistics = {0};
    memset(out, 0, ROOT_BYTES);
    memcpy(out + AT_MAGIC, root_magic, sizeof root_magic);
    store_le32(out + AT_VERSION, ROOT_VERSION);
    store_le32(out + AT_INCOMPATIBLE, root->incompatible_features);
    store_le32(out + AT_COMPATIBLE, root->compatible_features);
    store_le32(out + AT_PARITY_PAGES, root->parity_pages);
    store_le64(out + AT_STORE_ID, root->store_id);
    store_le64(out + AT_TABLE_ID, root->table_id);
    store_le64(out + AT_FILE_NUMBER, root->info.file_number);
    store_le64(out + AT_FILE_BYTES, root->info.file_bytes);
    store_le64(out + AT_DATA_END, root->data_end);
    ref_store(out + AT_DIRECTORY_INDEX, &root->directory_index);
    ref_store(out + AT_FILTER, &root->filter);
    for (uint32_t i = 0; i < 2; i++)
        ref_store(out + AT_DICTIONARIES + i * REF_BYTES, &root->dictionaries[i]);
    store_le64(out + AT_DICTIONARY_ID, root->dictionary_id);
    sstable_info_encode(&statistics, &root->info);
    statistics_encode(&root->statistics, &statistics);
    status st = buffer_status(&statistics);
    if (ok(st)) {
        store_le32(out + AT_STATISTICS_BYTES, (uint32_t)statistics.bytes);
        memcpy(out + AT_STATISTICS, statistics.data, statistics.bytes);
        store_le64(out + AT_CHECKSUM, root_checksum(root->store_id, root->info.file_number, offset, out));
    }
    buffer_deinit(&statistics);
    return st;
}

status root_decode(const uint8_t *bytes, uint64_t offset, uint64_t store_id, struct root *out_root)
{
    if (memcmp(bytes + AT_MAGIC, root_magic, sizeof root_magic) != 0)
        return STATUS_FAIL(STATUS_CORRUPT);
    uint64_t file_number = load_le64(bytes + AT_FILE_NUMBER);
    struct root root = {
        .incompatible_features = load_le32(bytes + AT_INCOMPATIBLE),
        .compatible_features = load_le32(bytes + AT_COMPATIBLE),
        .store_id = load_le64(bytes + AT_STORE_ID),
        .table_id = load_le64(bytes + AT_TABLE_ID),
        .data_end = load_le64(bytes + AT_DATA_END),
        .dictionary_id = load_le64(bytes + AT_DICTIONARY_ID),
        .directory_index = ref_load(bytes + AT_DIRECTORY_INDEX),
        .filter = ref_load(bytes + AT_FILTER),
        .dictionaries = {ref_load(bytes + AT_DICTIONARIES), ref_load(bytes + AT_DICTIONARIES + REF_BYTES)},
    };
    if (store_id && root.store_id != store_id)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (load_le64(bytes + AT_CHECKSUM) != root_checksum(root.store_id, file_number, offset, bytes))
        return STATUS_FAIL(STATUS_CORRUPT);
    if (load_le32(bytes + AT_VERSION) != ROOT_VERSION ||
        (root.incompatible_features & ~(uint32_t)KNOWN_INCOMPATIBLE))
        return STATUS_FAIL(STATUS_UNSUPPORTED);
    if (root.compatible_features & ROOT_FEATURE_PARITY)
        root.parity_pages = load_le32(bytes + AT_PARITY_PAGES);
    if (root.parity_pages > ROOT_PARITY_PAGES_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    uint32_t statistics_bytes = load_le32(bytes + AT_STATISTICS_BYTES);
    if (statistics_bytes > AT_CHECKSUM - AT_STATISTICS)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct reader statistics = reader_of(slice_of(bytes + AT_STATISTICS, statistics_bytes));
    TRY(sstable_info_decode(&statistics, &root.info));
    TRY(statistics_decode(&statistics, &root.statistics));
    if (root.info.file_number != file_number || root.info.file_bytes != load_le64(bytes + AT_FILE_BYTES))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_root = root;
    return STATUS_DONE;
}

static status tail_read(struct io_file *file, struct file_tail *tail)
{
    uint64_t file_bytes;
    TRY(io_size(file, &file_bytes));
    if (file_bytes < 2 * ROOT_BYTES || file_bytes % ROOT_BYTES)
        return STATUS_FAIL(STATUS_CORRUPT);
    size_t wanted = file_bytes < TAIL_BYTES ? (size_t)file_bytes : TAIL_BYTES;
    tail->data = io_memory_new(wanted);
    if (!tail->data)
        return STATUS_FAIL(STATUS_NOMEM);
    tail->offset = file_bytes - wanted;
    TRY(io_read(file, tail->offset, tail->data, wanted, &tail->bytes));
    return tail->bytes == wanted ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
}

static status head_read(struct io_file *file, uint64_t store_id, struct root *out_root)
{
    size_t bytes;
    uint8_t *block = io_memory_new(ROOT_BYTES);
    if (!block)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = io_read(file, 0, block, ROOT_BYTES, &bytes);
    if (ok(st))
        st = bytes == ROOT_BYTES ? root_decode(block, 0, store_id, out_root) : STATUS_FAIL(STATUS_CORRUPT);
    io_memory_free(block);
    return st;
}

status root_read(struct io_file *file, uint64_t store_id, struct root *out_root, struct file_tail *out_tail)
{
    struct file_tail tail = {0};
    struct root root;
    status st = tail_read(file, &tail);
    if (failed(st))
        goto out;
    uint64_t file_bytes = tail.offset + tail.bytes;
    st = root_decode(tail.data + tail.bytes - ROOT_BYTES, file_bytes - ROOT_BYTES, store_id, &root);
    /* A newer version is not damage: the other copy will not be older. */
    if (st.code == STATUS_CORRUPT)
        st = head_read(file, store_id, &root);
    if (ok(st) && root.info.file_bytes != file_bytes)
        st = STATUS_FAIL(STATUS_CORRUPT);
    if (ok(st)) {
        *out_root = root;
        *out_tail = tail;
        tail.data = NULL;
    }
out:
    io_memory_free(tail.data);
    return st;
}
