// A process of its own for tests that kill the parent of a control plane: starts one, prints its pids, does nothing.
import { startControlPlane } from '../../../src/dev/control-plane.ts';

const controlPlane = await startControlPlane();
process.stdout.write(`${JSON.stringify({ folder: controlPlane.folder, pids: controlPlane.pids })}\n`);
