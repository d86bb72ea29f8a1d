/**
 * The user gave wrong arguments, settings or files. The command prints the message
 * in one line and exits with 2.
 */
export class UsageError extends Error {}

/** The work failed. The command prints the message in one line and exits with 1. */
export class ClientError extends Error {}

/** The reason of an aborted context: the process received this signal. */
export class Interrupted extends ClientError {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super("interrupted");
    this.signal = signal;
  }
}

/**
 * Returns the reason of an error in one line. `fetch` only says "fetch failed" and
 * has the reason in its cause.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Their messages are complete.
  if (error instanceof ClientError || error instanceof UsageError) return error.message;
  const { cause } = error;
  if (cause instanceof AggregateError) return describeError(cause.errors[0]);
  if (cause === undefined) return error.message;
  const { code, message } = cause as { code?: string; message?: string };
  const reason = [code, message].find((text) => text !== undefined && text !== "");
  return reason === undefined ? error.message : `${error.message}: ${reason}`;
}
