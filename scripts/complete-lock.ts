/**
 * Names in package-lock.json the optional platform packages that a registry mirror did not offer when the lock was
 * written. Without them `npm ci` refuses the lock as incomplete, although none of them fits this machine.
 *
 * Run it after every `npm install`: `npm run lock:complete`. What it adds has no integrity hash; on a platform that
 * needs one of them, `npm install` against a complete registry adds the hash.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const FILE = new URL('../package-lock.json', import.meta.url);
const EXACT_VERSION = /^\d+\.\d+\.\d+[\w.-]*$/;
const SYSTEMS = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];

const packageSchema = z.object({
  version: z.string().optional(),
  dev: z.boolean().optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});
const lockSchema = z.object({ packages: z.record(z.string(), packageSchema) });

type Packages = z.infer<typeof lockSchema>['packages'];

/** The entries that `packages` refers to as optional and lacks, by their path in the lock. */
function missingOptionalPackages(packages: Packages): Record<string, object> {
  const missing: Record<string, object> = {};
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const system = SYSTEMS.find((candidate) => name.split(/[/-]/).includes(candidate));
      if (system === undefined || !EXACT_VERSION.test(version) || isResolved(packages, path, name)) continue;
      missing[`node_modules/${name}`] = {
        version,
        ...(entry.dev === undefined ? {} : { dev: entry.dev }),
        optional: true,
        os: [system],
      };
    }
  }
  return missing;
}

/** Node looks for a package in the folder of its user, then in every folder above. */
function isResolved(packages: Packages, user: string, name: string): boolean {
  const folders = user
    .split('/node_modules/')
    .map((_, i, parts) => parts.slice(0, i + 1).join('/node_modules/'));
  return ['', ...folders.map((folder) => `${folder}/`)].some(
    (prefix) => `${prefix}node_modules/${name}` in packages,
  );
}

const text = readFileSync(FILE, 'utf8');
const missing = missingOptionalPackages(lockSchema.parse(JSON.parse(text)).packages);
const names = Object.keys(missing);
if (names.length > 0) {
  const lock: { packages: Record<string, unknown> } = JSON.parse(text); // as npm wrote it, in its order of keys
  const entries = Object.entries({ ...lock.packages, ...missing });
  lock.packages = Object.fromEntries(entries.toSorted(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(FILE, `${JSON.stringify(lock, undefined, 2)}\n`);
}
console.log(`package-lock.json: ${names.length} optional packages added`);
