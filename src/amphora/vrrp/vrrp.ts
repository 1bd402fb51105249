import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';

import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import { lstatIfThere, orNoSpace, replaceFile, syncFolder } from '../../kit/files/files.ts';
import type { KeepalivedProcess } from '../../keepalived/state.ts';
import type { Vrrp } from '../amphora.ts';
import { makeActions } from './actions.ts';
import { checkScriptOf } from './check-script.ts';
import { isPlainFile, isPlainFolder, type VrrpFiles, vrrpFiles } from './files.ts';
import { instanceNamesOf, withEffectiveNopreempt, withKnownRoutes } from './instances.ts';
import type { VrrpService } from './service.ts';

/** The keepalived of the VIP, as its host sees it. */
export interface HostVrrp extends Vrrp {
  /** Whether keepalived is configured and does not run. It asks no process, so it may be called often. */
  isStopped(): Promise<boolean>;
}

export interface VrrpParts {
  /** `base_path` */
  base: string;
  /** What a configuration has that no driver writes, such as scripts and includes. A reason quotes no secret. */
  problemsOf: (config: string) => readonly { line: number; reason: string }[];
  /** Has keepalived read a file in the namespace. Faults: `keepalived_config_refused`, those of Run */
  check: (file: string) => Promise<void>;
  keepalived: KeepalivedProcess;
  service: VrrpService;
}

const worstFirst = ['FAULT', 'INIT', 'BACKUP'] as const;

/** Uploads and actions run one after another. The state never waits for them. */
export function makeVrrp({ base, problemsOf, check, keepalived, service }: VrrpParts): HostVrrp {
  const files = vrrpFiles(base);
  const oneByOne = makeSerializer();
  const act = makeActions({ files, check, keepalived, service });

  const upload = async (bytes: Buffer) => {
    const config = textOf(bytes);
    refuseProblems(config, problemsOf(config));
    await prepareFolder(base, files);
    await replaceFile(files.candidate, withKnownRoutes(withEffectiveNopreempt(config)), 0o600);
    await check(files.candidate).catch(async (error: unknown) => {
      if (!(error instanceof Fault) || error.code !== 'keepalived_config_refused') {
        await rm(files.candidate, { force: true });
        throw asUploadFailed(error);
      }
      await rename(files.candidate, files.refused);
      throw error;
    });
    await rename(files.candidate, files.config);
    await syncFolder(files.folder);
    await rm(files.refused, { force: true });
    return { md5: createHash('md5').update(bytes).digest('hex') };
  };

  return {
    upload: (bytes) => oneByOne(() => upload(bytes)),
    act: (action) => oneByOne(() => act(action)),
    async isStopped() {
      return (await isPlainFile(files.config)) && (await keepalived.pid()) === undefined;
    },
    async state() {
      if (!(await isPlainFile(files.config))) return 'absent';
      if ((await keepalived.pid()) === undefined) return 'stopped';
      const states = (await keepalived.instances())?.map(({ state }) => state) ?? [];
      // One that gives no answer serves no more than one with a fault.
      if (states.length === 0) return 'FAULT';
      // Its addresses have to be on one host together.
      return worstFirst.find((each) => states.includes(each)) ?? 'MASTER';
    },
  };
}

/** Nothing is said of the file, as when the namespace is missing. */
function asUploadFailed(error: unknown): unknown {
  if (!(error instanceof Fault) || error.code !== 'tool_failed') return error;
  return new Fault('vrrp_upload_failed', error.message);
}

const maxReasons = 5;

function refuseProblems(
  config: string,
  problems: readonly { line: number; reason: string }[],
): void {
  const reasons = problems
    .slice(0, maxReasons)
    .map(({ line, reason }) => `line ${line}: ${reason}`);
  if (instanceNamesOf(config).length === 0) reasons.push('there is no vrrp_instance');
  if (reasons.length === 0) return;
  throw new Fault(
    'keepalived_config_refused',
    `The configuration holds what no driver writes: ${reasons.join('; ')}. Correct it, then upload it again.`,
  );
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Fault(
      'keepalived_config_refused',
      'The configuration is not text in UTF-8. Upload a keepalived.conf.',
    );
  }
}

/** keepalived runs the check script as soon as it reads the configuration, even for a test. */
async function prepareFolder(base: string, files: VrrpFiles): Promise<void> {
  for (const folder of [files.folder, files.checkScripts]) {
    const found = await lstatIfThere(folder);
    if (found === undefined) {
      await orNoSpace(folder, () => mkdir(folder, { recursive: true }));
      await chmod(folder, 0o755);
    } else if (!(await isPlainFolder(folder))) {
      throw new Fault(
        'vrrp_upload_failed',
        `${folder} is not a folder. Remove it, then try again.`,
      );
    }
  }
  const script = checkScriptOf(base, files);
  const former = (await isPlainFile(files.checkScript))
    ? await readFile(files.checkScript, 'utf8')
    : undefined;
  if (script !== former) await replaceFile(files.checkScript, script, 0o755);
}
