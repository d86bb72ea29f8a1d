/** The most paths in one page of `GET /api/v1/paths` and `GET /api/v1/search`, and how many they have by themselves. */
export const MAX_PAGE_PATHS = 1000;

/**
 * The most paths of a closure that `GET /api/v1/paths/<hash>/closure` walks. A path costs some
 * 10 rows read, and the free plan allows 5 million a day.
 */
export const MAX_CLOSURE_PATHS = 32_768;

/** The most paths that `GET /api/v1/paths/<hash>/dependents` walks. */
export const MAX_DEPENDENTS = 2000;

/** The most characters of a name to search for: a store path's name has at most 211. */
export const MAX_SEARCH_LENGTH = 211;

/**
 * The form of `next` in a page by name: when the last path of the page was pushed, its id, the
 * id of its name, and what stands for the name.
 */
export const PAGE_CURSOR = /^(\d{1,16})\.(\d{1,16})\.(\d{1,16})\.([0-9A-Za-z+\-._?=]{1,211})$/;

/**
 * The most references of a path, without itself, that the catalog keeps. Each takes 32 + 211
 * bytes at most, and SQLite binds at most 2 MB in one value. Real paths have hundreds.
 */
export const MAX_CATALOG_REFERENCES = 4000;
