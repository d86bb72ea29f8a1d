export interface LoggedRequest {
  readonly bucket: string;
  /** S3's name of the operation, or `Unknown`. */
  readonly operation: string;
  readonly method: string;
  readonly key: string;
  /** The Range header, as sent. */
  readonly range?: string;
  /** 0 until answered, and for a connection dropped without an answer. */
  readonly status: number;
  /** Bytes of body read. */
  readonly bytesIn: number;
  /** Bytes of body sent. */
  readonly bytesOut: number;
}

/** Filled in while the request is served. */
export type OpenLogEntry = { -readonly [Name in keyof LoggedRequest]: LoggedRequest[Name] };

export type RequestFilter = Partial<
  Pick<LoggedRequest, "bucket" | "operation" | "method" | "key" | "status">
>;

// Some 200 bytes each: 4 MB for a server that runs for days.
const MAX_ENTRIES = 20_000;

/**
 * The latest requests. One is entered as it arrives, not as it ends: whoever
 * has an answer in hand finds its request here.
 */
export class RequestLog {
  #entries: LoggedRequest[] = [];

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

  list(filter: RequestFilter = {}): readonly LoggedRequest[] {
    return this.#entries.filter((entry) => matches(entry, filter));
  }

  count(filter: RequestFilter = {}): number {
    return this.list(filter).length;
  }

  /** Forgets the requests of one bucket, or all. */
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
