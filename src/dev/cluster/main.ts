/** `main.ts [--image=FILE]… CMD…`: runs a command, such as a shell, inside a Kubernetes of one node. */
import { reasonAgainstNamespaces } from '../namespaces.ts';
import { runInCluster } from './run-in-cluster.ts';

const args = process.argv.slice(2);
const images = args.filter((arg) => arg.startsWith('--image=')).map((arg) => arg.slice('--image='.length));
const command = args.slice(images.length);

try {
  const reason = await reasonAgainstNamespaces();
  if (reason !== undefined) throw new Error(`a cluster ${reason}`);
  process.exitCode = await runInCluster(images, command.length > 0 ? command : ['sh']);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
