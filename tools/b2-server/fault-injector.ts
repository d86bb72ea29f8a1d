/** The requests that a fault applies to. A request must meet every condition given. */
export interface FaultMatch {
  readonly bucket?: string;
  readonly method?: string;
  readonly key?: string;
  /** A regular expression that must match somewhere in the key. */
  readonly keyPattern?: string;
  /** The name of the operation in S3, as in `GetObject`. */
  readonly operation?: string;
}

/** The effects of a fault on a request. If several are given, all of them happen. */
export interface FaultEffect {
  /**
   * Answers with an error instead. Each of `status`, `code`, `html` and `bodyless`
   * is enough on its own.
   */
  readonly status?: number;
  readonly code?: string;
  readonly html?: boolean;
  readonly bodyless?: boolean;
  readonly message?: string;
  /** Headers to add to the answer, whether it is an error or not. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Carries out the request first, and then answers with the error. */
  readonly afterCommit?: boolean;
  /** Closes the connection without an answer, before or after the request takes effect. */
  readonly dropConnection?: "before" | "after-commit";
  /** Waits this long before the request is carried out. */
  readonly delayMs?: number;
  /** Pauses once for this long, after the first byte of the answer's body. */
  readonly stallMs?: number;
  /** Closes the connection after this many bytes of the announced body. */
  readonly cutAfterBytes?: number;
  /** Ignores the Range header: answers 200 with the whole body. */
  readonly ignoreRange?: boolean;
  /** Stores a body whatever SHA-256 its headers give, as a server does that does not check it. */
  readonly ignoreSha256?: boolean;
}

/** A fault: the requests it applies to, its effect, and how often it happens. */
export interface FaultRule {
  /** If not set, the rule applies to every request. */
  readonly match?: FaultMatch;
  readonly effect: FaultEffect;
  /** How many matching requests pass before the first fault. */
  readonly skip?: number;
  /** How many requests the fault affects. If not set, there is no limit. */
  readonly count?: number;
}

/** The properties of a request that a fault may depend on. */
export interface FaultRequest {
  readonly bucket: string;
  readonly method: string;
  readonly key: string;
  readonly operation: string;
}

interface LiveRule {
  readonly rule: FaultRule;
  readonly pattern: RegExp | undefined;
  toSkip: number;
  left: number;
}

/**
 * Injects faults by rules. The first rule that matches a request, and is not used
 * up, decides.
 */
export class FaultInjector {
  #rules: LiveRule[] = [];
  readonly #latencies = new Map<string, number>();

  add(...rules: readonly FaultRule[]): void {
    for (const rule of rules) {
      const keyPattern = rule.match?.keyPattern;
      const pattern = keyPattern === undefined ? undefined : new RegExp(keyPattern, "u");
      this.#rules.push({
        rule,
        pattern,
        toSkip: rule.skip ?? 0,
        left: rule.count ?? Infinity,
      });
    }
  }

  /**
   * Delays every answer of one bucket. Without `bucket`, the delay applies to all
   * buckets that have none of their own.
   */
  setLatency(latencyMs: number, bucket = ""): void {
    this.#latencies.set(bucket, latencyMs);
  }

  /** Returns the delay of a bucket's answers; 0 if none is set. */
  latencyMs(bucket: string): number {
    return this.#latencies.get(bucket) ?? this.#latencies.get("") ?? 0;
  }

  /** Removes the rules and the latency of one bucket, or of all buckets. */
  clear(bucket?: string): void {
    if (bucket === undefined) {
      this.#rules = [];
      this.#latencies.clear();
      return;
    }
    this.#rules = this.#rules.filter(({ rule }) => rule.match?.bucket !== bucket);
    this.#latencies.delete(bucket);
  }

  /**
   * Returns the effect of the fault for this request, or `undefined` if there is
   * none. The request counts against the rule's `skip` and `count`.
   */
  take(request: FaultRequest): FaultEffect | undefined {
    for (const live of this.#rules) {
      if (live.left <= 0 || !matches(live, request)) continue;
      if (live.toSkip > 0) {
        live.toSkip -= 1;
        continue;
      }
      live.left -= 1;
      return live.rule.effect;
    }
    return undefined;
  }
}

function matches({ rule: { match = {} }, pattern }: LiveRule, request: FaultRequest): boolean {
  return (
    (match.bucket ?? request.bucket) === request.bucket &&
    (match.method ?? request.method) === request.method &&
    (match.key ?? request.key) === request.key &&
    (match.operation ?? request.operation) === request.operation &&
    (pattern === undefined || pattern.test(request.key))
  );
}
