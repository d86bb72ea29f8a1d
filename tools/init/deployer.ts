/** A way to run the worker with the settings that a set-up wrote. */
export interface Deployer {
  /**
   * Makes sure that `deploy` can begin. Returns the names of the secrets that the
   * deployment has already. Throws a `ClientError` that says what to do.
   */
  prepare(config: string): Promise<readonly string[]>;
  /** `host` is the domain name of the cache, if it has one. */
  deploy(config: string, secretsFile: string, host: string | undefined): Promise<Deployed>;
}

export interface Deployed {
  /** The address of the cache. Undefined if the deployment did not tell it. */
  readonly url: string | undefined;
  /** The command that runs the cache again, if it stops with this run. */
  readonly again: string | undefined;
  close(): Promise<void>;
}
