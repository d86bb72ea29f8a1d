import { rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import path from "node:path";

/** A held lock on a directory. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Locks a directory, so that only one server uses it. A second server would delete
 * the staged files of the first, and neither would see the other's objects. The
 * lock is a listening socket and not a file, because a socket closes when its
 * process ends. Throws if another server holds the lock.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const socket = shortest(path.join(directory, "lock"));
  if (await isListening(socket)) {
    throw new Error(
      `${directory} is in use by another server; stop that server, or use another directory`,
    );
  }
  await rm(socket, { force: true });
  const server = createServer((connection) => connection.destroy());
  const listening = await listen(server, socket);
  return {
    async release() {
      if (!listening) return;
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

// The path of a Unix socket may have about 100 bytes, so use the shorter form.
function shortest(file: string): string {
  const relative = path.relative(process.cwd(), file);
  const absolute = path.resolve(file);
  return relative.length < absolute.length ? relative : absolute;
}

async function isListening(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.on("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.on("error", () => resolve(false));
  });
}

/**
 * Listens on the socket. Returns `false` if the system cannot create it; the
 * directory then has no lock.
 */
async function listen(server: Server, socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    server.on("error", () => resolve(false));
    server.listen(socket, () => {
      server.unref();
      resolve(true);
    });
  });
}
