import { createServer } from "node:net";

/** Free when asked, which is as much as anyone can know. */
export async function findFreePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      if (typeof address !== "object" || address === null) reject(new Error("no port"));
      else probe.close(() => resolve(address.port));
    });
  });
}
