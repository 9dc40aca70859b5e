import { readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join, relative } from 'node:path';
import type { Plugin } from 'esbuild';

const root = new URL('../..', import.meta.url).pathname;

/**
 * Replaces imports of Node's built-in modules. An ESM import of a built-in module reads all of its exports, and some getters
 * are slow: those of `node:http` load fetch and WebSocket (20 ms), those of `node:process` open stdin and stdout (3 ms). The
 * replacement of a static import reads only the exports in use, since esbuild removes the others; that of a dynamic import
 * leaves out the getters.
 */
export const builtIns: Plugin = {
  name: 'built-ins',
  setup(build) {
    build.onResolve({ filter: /^(node:)?[a-z_/0-9]+$/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      if (kind === 'require-call' || !builtinModules.includes(name)) return undefined;
      return { path: `node:${name}`, namespace: kind === 'dynamic-import' ? 'dynamic' : 'static', sideEffects: false };
    });
    build.onLoad({ filter: /^node:/ }, ({ path, namespace }) => {
      const exports = Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(path) ?? {}));
      const names = exports.flatMap(([name, { get }]) => (get && namespace === 'dynamic' ? [] : [name]));
      return {
        contents: [
          `const module = process.getBuiltinModule('${path}');`,
          'const read = (name) => module[name];',
          'export default module;',
          ...names.map((name) => `const _${name} = /* @__PURE__ */ read('${name}');\nexport { _${name} as ${name} };`),
        ].join('\n'),
      };
    });
  },
};

/** Replacements of modules, by name and by the package that imports them (any by default). */
const replacements: readonly { readonly module: RegExp; readonly importer?: RegExp; readonly contents: string }[] = [
  {
    // Lambda passes credentials in the environment. The other sources of the SDK's default chain are not used there.
    module: /^@aws-sdk\/credential-provider-node$/,
    contents: `
      import { fromEnv } from '@aws-sdk/credential-provider-env';
      export const defaultProvider = (init) => fromEnv(init);`,
  },
  {
    // ElectroDB uses the namespace, which would keep every command. The functions use neither scans nor transactions.
    module: /^@aws-sdk\/lib-dynamodb$/,
    importer: /\/electrodb\//,
    contents: `
      export {
        BatchGetCommand, BatchWriteCommand, DeleteCommand, GetCommand, PutCommand, QueryCommand, UpdateCommand,
      } from '@aws-sdk/lib-dynamodb';`,
  },
  {
    // ElectroDB validates models against a JSON schema. The models are constants, and tests load them with the validator.
    module: /^jsonschema$/,
    importer: /\/electrodb\//,
    contents: `
      export class Validator {
        addSchema() {}
        validate(value, { required, properties }) {
          const names = [...required, ...Object.keys(properties).filter((name) => properties[name].required === true)];
          const missing = names.filter((name) => value[name] === undefined);
          return { errors: missing.map((property) => ({ property, message: 'is required' })) };
        }
      }
      Validator.prototype.customFormats = {};`,
  },
];

/** Replaces modules of which the functions use little. */
export const lightModules: Plugin = {
  name: 'light-modules',
  setup(build) {
    build.onResolve({ filter: /^(@aws-sdk\/|jsonschema$)/ }, ({ path, importer, namespace, resolveDir }) => {
      if (namespace === 'light') return undefined;
      const index = replacements.findIndex((one) => one.module.test(path) && (one.importer?.test(importer) ?? true));
      return index < 0
        ? undefined
        : { path, namespace: 'light', pluginData: { index, resolveDir }, sideEffects: false };
    });
    build.onLoad({ filter: /.*/, namespace: 'light' }, ({ pluginData: { index, resolveDir } }) => ({
      contents: replacements[index]?.contents ?? '',
      resolveDir,
    }));
  },
};

/**
 * Converts ElectroDB to ES modules. esbuild wraps a CommonJS module and everything that it requires, such as the SDK, in
 * functions: V8 parses them twice, and esbuild removes no unused code.
 */
export const electrodbAsModules: Plugin = {
  name: 'electrodb-as-modules',
  setup(build) {
    build.onLoad({ filter: /\/node_modules\/electrodb\/.*\.js$/ }, async ({ path }) => {
      const contents = toModule(await readFile(path, 'utf8'));
      if (/\brequire\(|\bmodule\.exports\b/.test(contents)) throw new Error(`${path}: not converted to an ES module`);
      return { contents };
    });
  },
};

/**
 * Converts the dynamic imports in the list of channels to static imports: a separately bundled module would not share classes
 * with the function. Tree shaking then removes the ports that a function does not import, because they have no side effects.
 */
export const channelPorts: Plugin = {
  name: 'channel-ports',
  setup(build) {
    const list = join(root, 'core', 'channels.ts');
    build.onLoad({ filter: /\/core\/channels\.ts$/ }, async ({ path }) => {
      if (path !== list) return undefined;
      const imports: string[] = [];
      const contents = (await readFile(path, 'utf8')).replace(
        /import\('([^']+)'\)\.then\(\(\{ (\w+) \}\) => \2\)/g,
        (_, module: string, name: string) => {
          const local = `port${imports.length}`;
          imports.push(`import { ${name} as ${local} } from '${module}';`);
          return `Promise.resolve(${local})`;
        },
      );
      if (/\bimport\(/.test(contents))
        throw new Error(`${path}: expected every loader to be import('…').then(({ name }) => name)`);
      return { contents: [...imports, contents].join('\n'), loader: 'ts' };
    });
    build.onResolve({ filter: /^\./ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (importer !== list || pluginData === 'resolving') return undefined;
      const resolved = await build.resolve(path, { kind, importer, resolveDir, pluginData: 'resolving' });
      return { ...resolved, sideEffects: false };
    });
  },
};

function toModule(source: string): string {
  return source
    .replace(
      /const ({[^}]*}|\w+) = require\(["']([^"']+)["']\)(\.\w+)?;/g,
      (_, names: string, path: string, member) => {
        if (names.startsWith('{')) return `import ${names.replaceAll(':', ' as ')} from '${path}';`;
        return member
          ? `import { ${member.slice(1)} as ${names} } from '${path}';`
          : `import * as ${names} from '${path}';`;
      },
    )
    .replace(
      /module\.exports = {([^}]*)}/,
      (_, names: string) => `export {${names.replace(/(\w+): (\w+)/g, '$2 as $1')}}`,
    );
}

/**
 * Leaves dynamically imported modules out of the bundle, and adds them to `entries`, by name, to be bundled on their own.
 * esbuild's `splitting` would put some of their code in chunks that the function imports statically. A separate bundle shares
 * no state with the function's modules.
 */
export function dynamicImports(entries: Map<string, string>): Plugin {
  return {
    name: 'dynamic-imports',
    setup(build) {
      build.onResolve({ filter: /.*/ }, async ({ path, kind, importer, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const resolved = await build.resolve(path, { kind: 'import-statement', importer, resolveDir });
        if (resolved.errors.length > 0) return { errors: resolved.errors };
        const name = relative(root, resolved.path).replace(/\W+/g, '-');
        entries.set(name, resolved.path);
        return { path: `./${name}.mjs`, external: true };
      });
    },
  };
}
