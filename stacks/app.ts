/** The whole app: each import is one concern, made when it is loaded. */

import './outbound.ts';
import './monitoring.ts';

export { outputs } from './outputs.ts';
