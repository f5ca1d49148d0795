// Makes build/provider.wasm, a component, of src/provider.js and the JavaScript engine.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
process.chdir(here);

if (!existsSync('node_modules')) {
  console.log('installing what package-lock.json names (about 215 MB)');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const options = ['--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync(npm, ['ci', ...options], { stdio: 'inherit', shell: npm.endsWith('.cmd') });
}

const { componentize } = await import('@bytecodealliance/componentize-js');
const { component } = await componentize({
  // Absolute: relative paths are looked up elsewhere.
  sourcePath: join(here, 'src', 'provider.js'),
  witPath: join(here, 'wit'),
  worldName: 'this-provider',
  // Orkee offers no files and no HTTP but its own: a component that imports them is refused. Clocks and randomness stay.
  disableFeatures: ['stdio', 'http', 'fetch-event'],
});
await mkdir('build', { recursive: true });
await writeFile('build/provider.wasm', component);
console.log(`build/provider.wasm: ${(component.length / 2 ** 20).toFixed(1)} MiB`);
