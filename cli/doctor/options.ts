import * as z from 'zod/mini';
import { address, bridgeOptions, organizationOption } from '../command.ts';

export const doctorOptions = z.object({ ...bridgeOptions, organization: organizationOption, url: z.optional(address) });
export type DoctorOptions = z.infer<typeof doctorOptions>;
