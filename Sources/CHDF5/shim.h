// HDF5; the macros that initialize the library, cast or pick a version, which Swift cannot import,
// as functions.
#pragma once
#include <hdf5.h>

static inline hid_t CHDF5_native_int8(void) { return H5T_NATIVE_INT8; }
static inline hid_t CHDF5_native_int16(void) { return H5T_NATIVE_INT16; }
static inline hid_t CHDF5_native_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t CHDF5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t CHDF5_native_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t CHDF5_native_uint16(void) { return H5T_NATIVE_UINT16; }
static inline hid_t CHDF5_native_uint32(void) { return H5T_NATIVE_UINT32; }
static inline hid_t CHDF5_native_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t CHDF5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t CHDF5_native_double(void) { return H5T_NATIVE_DOUBLE; }

// What is stored: little-endian whatever the machine, so that files are the same bytes everywhere.
static inline hid_t CHDF5_stored_int8(void) { return H5T_STD_I8LE; }
static inline hid_t CHDF5_stored_int16(void) { return H5T_STD_I16LE; }
static inline hid_t CHDF5_stored_int32(void) { return H5T_STD_I32LE; }
static inline hid_t CHDF5_stored_int64(void) { return H5T_STD_I64LE; }
static inline hid_t CHDF5_stored_uint8(void) { return H5T_STD_U8LE; }
static inline hid_t CHDF5_stored_uint16(void) { return H5T_STD_U16LE; }
static inline hid_t CHDF5_stored_uint32(void) { return H5T_STD_U32LE; }
static inline hid_t CHDF5_stored_uint64(void) { return H5T_STD_U64LE; }
static inline hid_t CHDF5_stored_float(void) { return H5T_IEEE_F32LE; }
static inline hid_t CHDF5_stored_double(void) { return H5T_IEEE_F64LE; }
static inline hid_t CHDF5_string(void) { return H5T_C_S1; }
static inline size_t CHDF5_variable_size(void) { return H5T_VARIABLE; }

static inline hid_t CHDF5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t CHDF5_file_creation(void) { return H5P_FILE_CREATE; }
static inline hid_t CHDF5_group_creation(void) { return H5P_GROUP_CREATE; }
static inline hid_t CHDF5_dataset_creation(void) { return H5P_DATASET_CREATE; }
static inline hid_t CHDF5_dataset_transfer(void) { return H5P_DATASET_XFER; }
static inline hid_t CHDF5_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t CHDF5_default_properties(void) { return H5P_DEFAULT; }
static inline hid_t CHDF5_default_errors(void) { return H5E_DEFAULT; }
static inline hid_t CHDF5_all(void) { return H5S_ALL; }
static inline unsigned CHDF5_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned CHDF5_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned CHDF5_open_objects(void) {
  return H5F_OBJ_DATASET | H5F_OBJ_GROUP | H5F_OBJ_DATATYPE | H5F_OBJ_ATTR | H5F_OBJ_LOCAL;
}
static inline haddr_t CHDF5_no_address(void) { return HADDR_UNDEF; }
static inline double CHDF5_default_preemption(void) { return H5D_CHUNK_CACHE_W0_DEFAULT; }

// Keeps the library from printing failures. The stack of failures and its printing belong to the calling
// thread, where the library knows threads: said once by each.
static inline void CHDF5_be_silent(void) {
  static _Thread_local int is_silent = 0;
  if (!is_silent) is_silent = H5Eset_auto2(H5E_DEFAULT, NULL, NULL) >= 0;
}

// The descriptor by which the library itself reads a file that was opened by the default driver; -1 where that is
// not one plain file.
static inline int CHDF5_descriptor(hid_t file) {
  void *handle = NULL;
  // Not asked of the file: the library copies a whole list of properties for that.
  if (H5Pget_driver(H5P_FILE_ACCESS_DEFAULT) != H5FD_SEC2) return -1;
  return H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle ? -1 : *(int *)handle;
}

// The descriptor of a file that nobody writes and whose addresses and sizes have 8 bytes, and the bytes before its
// first one of HDF5; -1 for another.
static inline int CHDF5_read_only_descriptor(hid_t file, hsize_t *user_block) {
  unsigned intent = H5F_ACC_RDWR;
  size_t address = 0, size = 0;
  if (H5Fget_intent(file, &intent) < 0 || (intent & H5F_ACC_RDWR)) return -1;
  hid_t creation = H5Fget_create_plist(file);
  if (creation < 0) return -1;
  int is_plain = H5Pget_sizes(creation, &address, &size) >= 0 && address == 8 && size == 8
                 && H5Pget_userblock(creation, user_block) >= 0;
  H5Pclose(creation);
  return is_plain ? CHDF5_descriptor(file) : -1;
}

// Bytes before the file's first one of HDF5; addresses count from there in some calls only.
static inline hsize_t CHDF5_user_block(hid_t file) {
  hsize_t size = 1;
  hid_t creation = H5Fget_create_plist(file);
  if (creation >= 0) {
    if (H5Pget_userblock(creation, &size) < 0) size = 1;
    H5Pclose(creation);
  }
  return size;
}

// The place of a plain number in the list int8...int64, uint8...uint64, float, double; 16 more for
// big-endian ones, -1 for every other type.
static inline int CHDF5_plain_number(hid_t type) {
  const hid_t little[] = {H5T_STD_I8LE,  H5T_STD_I16LE, H5T_STD_I32LE,  H5T_STD_I64LE, H5T_STD_U8LE,
                          H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE,  H5T_IEEE_F32LE,
                          H5T_IEEE_F64LE};
  const hid_t big[] = {H5T_STD_I8BE,  H5T_STD_I16BE, H5T_STD_I32BE,  H5T_STD_I64BE, H5T_STD_U8BE,
                       H5T_STD_U16BE, H5T_STD_U32BE, H5T_STD_U64BE,  H5T_IEEE_F32BE,
                       H5T_IEEE_F64BE};
  for (int index = 0; index < 10; index++) {
    if (H5Tequal(type, little[index]) > 0) return index;
    if (H5Tequal(type, big[index]) > 0) return 16 + index;
  }
  return -1;
}

enum { CHDF5_link_hard, CHDF5_link_soft, CHDF5_link_external, CHDF5_link_other };

// The kind of a link, negative on failure; the link's structure differs between versions.
static inline int CHDF5_link_kind(hid_t location, const char *name, size_t *value_size) {
  H5L_info_t info;
  if (H5Lget_info(location, name, &info, H5P_DEFAULT) < 0) return -1;
  *value_size = info.type == H5L_TYPE_HARD ? 0 : info.u.val_size;
  if (info.type == H5L_TYPE_HARD) return CHDF5_link_hard;
  if (info.type == H5L_TYPE_SOFT) return CHDF5_link_soft;
  return info.type == H5L_TYPE_EXTERNAL ? CHDF5_link_external : CHDF5_link_other;
}

typedef void (*CHDF5_name_visitor)(const char *name, void *context);
struct CHDF5_visit {
  CHDF5_name_visitor visitor;
  void *context;
};

static inline herr_t CHDF5_visit_link(
    hid_t group, const char *name, const H5L_info_t *info, void *data) {
  struct CHDF5_visit *visit = (struct CHDF5_visit *)data;
  (void)group;
  (void)info;
  visit->visitor(name, visit->context);
  return 0;
}

// Every link of a group by name; the callback's type differs between versions.
static inline herr_t CHDF5_for_each_link(
    hid_t group, CHDF5_name_visitor visitor, void *context) {
  struct CHDF5_visit visit = {visitor, context};
  return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, CHDF5_visit_link, &visit);
}

static inline herr_t CHDF5_visit_attribute(
    hid_t location, const char *name, const H5A_info_t *info, void *data) {
  struct CHDF5_visit *visit = (struct CHDF5_visit *)data;
  (void)location;
  (void)info;
  visit->visitor(name, visit->context);
  return 0;
}

// Every attribute of an object by name.
static inline herr_t CHDF5_for_each_attribute(
    hid_t location, CHDF5_name_visitor visitor, void *context) {
  struct CHDF5_visit visit = {visitor, context};
  return H5Aiterate2(location, H5_INDEX_NAME, H5_ITER_INC, NULL, CHDF5_visit_attribute, &visit);
}
