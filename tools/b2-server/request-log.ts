/** One request, with what the server has answered so far. */
export interface LoggedRequest {
  readonly bucket: string;
  /** The name of the operation in S3, or `Unknown`. */
  readonly operation: string;
  readonly method: string;
  readonly key: string;
  /** The Range header, as sent. */
  readonly range?: string;
  /** 0 until the server answers, and if it closed the connection without an answer. */
  readonly status: number;
  /** Bytes of the request body that were read. */
  readonly bytesIn: number;
  /** Bytes of the answer's body that were sent. */
  readonly bytesOut: number;
}

/** A log entry of a request in progress; the server fills it in. */
export type OpenLogEntry = { -readonly [Name in keyof LoggedRequest]: LoggedRequest[Name] };

/** Selects the requests whose fields all equal the given ones. */
export type RequestFilter = Partial<
  Pick<LoggedRequest, "bucket" | "operation" | "method" | "key" | "status">
>;

// About 200 bytes an entry, so the log takes at most 4 MB however long the server
// runs.
const MAX_ENTRIES = 20_000;

/**
 * Keeps the latest requests, up to 20,000. A request is entered when it arrives,
 * not when it ends, so a client that has its answer always finds its request
 * here.
 */
export class RequestLog {
  #entries: LoggedRequest[] = [];

  /** Adds a request to the log and returns its entry, to be filled in. */
  begin(
    request: Pick<LoggedRequest, "bucket" | "operation" | "method" | "key">,
    range: string | undefined,
  ): OpenLogEntry {
    const entry: OpenLogEntry = { ...request, status: 0, bytesIn: 0, bytesOut: 0 };
    if (range !== undefined) entry.range = range;
    if (this.#entries.length >= MAX_ENTRIES) this.#entries.splice(0, MAX_ENTRIES / 2);
    this.#entries.push(entry);
    return entry;
  }

  /** Returns the matching requests, oldest first. */
  list(filter: RequestFilter = {}): readonly LoggedRequest[] {
    return this.#entries.filter((entry) => matches(entry, filter));
  }

  count(filter: RequestFilter = {}): number {
    return this.list(filter).length;
  }

  /** Removes the requests of one bucket, or of all buckets. */
  clear(bucket?: string): void {
    this.#entries =
      bucket === undefined ? [] : this.#entries.filter((entry) => entry.bucket !== bucket);
  }
}

function matches(entry: LoggedRequest, filter: RequestFilter): boolean {
  return (
    (filter.bucket ?? entry.bucket) === entry.bucket &&
    (filter.operation ?? entry.operation) === entry.operation &&
    (filter.method ?? entry.method) === entry.method &&
    (filter.key ?? entry.key) === entry.key &&
    (filter.status ?? entry.status) === entry.status
  );
}
