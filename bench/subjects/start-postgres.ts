import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { startProcess } from "./start-process.ts";

/** The programs of Postgres, by name. */
export type PostgresPrograms = Readonly<Record<"initdb" | "postgres" | "createdb", string>>;

/** A Postgres server in a directory of its own. */
export interface Postgres {
  readonly pid: number;
  /** Makes an empty database. Returns the URL by which a program connects to it. */
  createDatabase(): string;
  stop(): Promise<void>;
}

const ROLE = "bench";

/** Returns why Postgres cannot run here, or `undefined` if it can. */
export function whyNoPostgres(): string | undefined {
  if (process.getuid?.() !== 0 || postgresUser() !== undefined) return undefined;
  return "Postgres does not run as root, and there is no user postgres; run the benchmark as another user";
}

/** Starts Postgres as this user, or as the user postgres if this user is root. */
export async function startPostgres(programs: PostgresPrograms): Promise<Postgres> {
  const user = process.getuid?.() === 0 ? postgresUser() : undefined;
  // Not in the directory of the run: the user postgres may not enter it.
  const directory = mkdtempSync(path.join(tmpdir(), "nargate-bench-postgres-"));
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", remove);
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const data = path.join(directory, "data");
  execFileSync(programs.initdb, ["--auth=trust", "-U", ROLE, "-D", data], {
    ...user,
    cwd: directory,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const port = await findFreePort();
  const settings = ["listen_addresses=127.0.0.1", `unix_socket_directories=${directory}`];
  // The benchmark does not measure the disk of this machine.
  const args = [...settings, "fsync=off"].flatMap((setting) => ["-c", setting]);
  const running = await startProcess({
    program: programs.postgres,
    args: ["-D", data, "-p", String(port), ...args],
    port,
    options: { ...user },
  });
  let databases = 0;
  return {
    pid: running.pid,
    createDatabase() {
      const name = `bench_${databases++}`;
      const to = ["-h", "127.0.0.1", "-p", String(port), "-U", ROLE, name];
      execFileSync(programs.createdb, to, { stdio: ["ignore", "ignore", "pipe"] });
      return `postgres://${ROLE}@127.0.0.1:${port}/${name}?sslmode=disable`;
    },
    async stop() {
      await running.stop();
      process.off("exit", remove);
      remove();
    },
  };
}

function postgresUser(): { readonly uid: number; readonly gid: number } | undefined {
  const [uid, gid] = ["-u", "-g"].map((flag) => {
    const { status, stdout } = spawnSync("id", [flag, "postgres"], { encoding: "utf8" });
    return status === 0 ? Number(stdout) : undefined;
  });
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}
