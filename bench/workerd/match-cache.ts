/** The smallest worker that answers from one Cache API match. A PUT stores an entry in the cache. */
export default {
  async fetch(request) {
    const cache = caches.default;
    if (request.method === "PUT") {
      const status = Number(request.headers.get("status"));
      const headers = { "cache-control": "public, max-age=3600" };
      const body = status === 404 ? null : await request.arrayBuffer();
      await cache.put(request.url, new Response(body, { status, headers }));
      return new Response("kept\n");
    }
    return (await cache.match(request.url)) ?? new Response("not kept\n", { status: 500 });
  },
} satisfies ExportedHandler;
