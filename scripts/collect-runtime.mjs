// node collect-runtime.mjs FOLDER: copies this Node and every shared library it has loaded into FOLDER, under the paths
// they have here, with the few files that a process expects. Runs in the Dockerfile, where there need be no shell.
import { copyFileSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node collect-runtime.mjs FOLDER');
const put = (from, to = from) => {
  mkdirSync(dirname(join(folder, to)), { recursive: true });
  copyFileSync(realpathSync(from), join(folder, to));
};

put(process.execPath, '/usr/bin/node');
const loaded = process.report
  .getReport()
  .sharedObjects.filter((path) => path.startsWith('/') && existsSync(path));
const libraries = loaded.filter(
  (path) => path !== process.execPath && realpathSync(path) !== process.execPath,
);
for (const library of libraries) put(library);
// Loaded on the first look-up of a name where glibc is older than 2.34; there is no such call here to load them.
const libc = libraries.find((path) => path.includes('libc.so'));
for (const name of ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2']) {
  const path = libc === undefined ? '' : join(dirname(libc), name);
  if (existsSync(path)) put(path);
}
// The name that the kernel looks for is written in the program; it may be a link to what was loaded.
const loader = { x64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' }[process.arch];
if (loader === undefined) throw new Error(`no image for ${process.arch}`);
put(loader);
mkdirSync(join(folder, 'etc'), { recursive: true });
writeFileSync(
  join(folder, 'etc/passwd'),
  'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/app:/sbin/nologin\n',
);
writeFileSync(join(folder, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
writeFileSync(join(folder, 'etc/nsswitch.conf'), 'hosts: files dns\n');
console.log([process.version, ...libraries].join('\n'));
