/** An empty worker. It shows how long workerd itself takes to start and to answer. */
export default { fetch: () => new Response(null, { status: 204 }) } satisfies ExportedHandler;
