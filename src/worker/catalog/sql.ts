/** A value that SQLite binds or returns. Integers above 2^53 lose digits, so none is stored. */
export type SqlValue = string | number | null;

/**
 * The database of one catalog. Everything runs at once in one thread, so a function
 * without `await` sees no other writer. The platform sends no request of the object
 * before earlier writes are durable.
 */
export interface Sql {
  /** Returns all rows of a query, or of a statement with RETURNING. */
  all<Row extends Record<string, SqlValue>>(
    query: string,
    ...bindings: readonly SqlValue[]
  ): readonly Row[];
  /** Runs `decide` whole or not at all. It may not be async. */
  transaction<T>(decide: () => T): T;
  /** The rows read and written since the database was opened, as the platform bills them. */
  readonly rows: { readonly read: number; readonly written: number };
  /** The size of the database in bytes. */
  readonly sizeBytes: number;
}

/** Returns the first row of a query, if there is one. */
export function firstRow<Row extends Record<string, SqlValue>>(
  sql: Sql,
  query: string,
  ...bindings: readonly SqlValue[]
): Row | undefined {
  return sql.all<Row>(query, ...bindings)[0];
}

/** Opens the database of a Durable Object. */
export function openSql(storage: Pick<DurableObjectStorage, "sql" | "transactionSync">): Sql {
  const rows = { read: 0, written: 0 };
  return {
    all<Row extends Record<string, SqlValue>>(query: string, ...bindings: readonly SqlValue[]) {
      const cursor = storage.sql.exec<Row>(query, ...bindings);
      // A cursor must be used up before the next await.
      const found = cursor.toArray();
      rows.read += cursor.rowsRead;
      rows.written += cursor.rowsWritten;
      return found;
    },
    transaction: (decide) => storage.transactionSync(decide),
    rows,
    get sizeBytes() {
      return storage.sql.databaseSize;
    },
  };
}
