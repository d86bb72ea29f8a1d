import { rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import path from "node:path";

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Keeps a second server off a directory: it would sweep the first one's
 * staged files, and neither would see the other's objects. A listening socket
 * rather than a file, because it dies with its process. Throws if the
 * directory is taken.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const socket = shortest(path.join(directory, "lock"));
  if (await isListening(socket)) {
    throw new Error(`${directory} is in use by another server`);
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

// A socket's path holds about 100 bytes.
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

/** False where there can be no socket: then the directory goes unguarded. */
async function listen(server: Server, socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    server.on("error", () => resolve(false));
    server.listen(socket, () => {
      server.unref();
      resolve(true);
    });
  });
}
