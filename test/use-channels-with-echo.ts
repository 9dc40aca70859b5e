import { registerHooks } from 'node:module';

/** Loaded with `--import`: replaces the list of channels in this process and in its threads. */
const list = new URL('../core/channels.ts', import.meta.url).href;
const replacement = new URL('./channels-with-echo.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    return resolved.url === list && context.parentURL !== replacement ? { ...resolved, url: replacement } : resolved;
  },
});
