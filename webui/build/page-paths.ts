import type { Plugin } from 'vite';

/**
 * Gives the pages in `npm run dev` the addresses they have on the hub.
 *
 * The hub maps them itself (`hub/src/api/webui`), so the built files keep their plain names.
 */
export function pagePaths(pages: Record<string, string>): Plugin {
  return {
    name: 'maloca-page-paths',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const page = pages[request.url?.split(/[?#]/)[0] ?? ''];
        if (page) request.url = page;
        next();
      });
    },
  };
}
