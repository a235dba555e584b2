"""Write dockerd's configuration, and have it validated, both before anything stops."""

from __future__ import annotations

from netops.engine.before import KIND as REMEMBER
from netops.engine.before import before_of
from netops.engine.config_back import key_put_back, key_set
from netops.engine.config_edit import JSON, ConfigEdit
from netops.engine.context import Context, Saved
from netops.engine.errors import CheckFailed, OperationFailed
from netops.engine.file_copy import file_bytes, file_put_back, file_saved
from netops.engine.restore import old_range_look, restore_docker
from netops.engine.serial import from_json, to_json
from netops.engine.steps.base import Step

NEW_FILE_MODE = 0o644


def edit_of(step: Step) -> ConfigEdit:
    """Return the edit in a step's params."""
    return from_json(ConfigEdit, step.params["edit"])


class WriteConfig(Step):
    """Set one key, all else byte by byte as it was; params: edit (ConfigEdit)."""

    kind = "write_config"

    def save(self, ctx: Context) -> Saved:
        edit = edit_of(self)
        return {
            "edit": to_json(edit),
            "original": file_saved(ctx.ports, edit.path),
            "backup": file_saved(ctx.ports, edit.backup),
        }

    def do(self, ctx: Context) -> None:
        edit, config = edit_of(self), ctx.ports.config
        found = config.read_bytes(edit.path)
        try:
            content = edit.applied_to(None if found is None else found[0])
        except ValueError as error:
            raise OperationFailed(f"{edit.path} cannot be edited: {error}") from error
        if found is not None:
            config.write_bytes(edit.backup, *found)
            ctx.output(f"Kept a copy: {edit.backup}.")
        config.write_bytes(edit.path, content, NEW_FILE_MODE if found is None else found[1])

    def check(self, ctx: Context) -> None:
        edit = edit_of(self)
        config = ctx.ports.config.observe(ctx.ports.service.state())
        setting = config.get(edit.key)
        if config.error or config.conflicts or setting is None or setting.value != edit.value:
            found = config.error or (f"it is {setting.value}" if setting else "it is not in force")
            raise CheckFailed(f"{edit.key} was written to {edit.path}, but {found}.")
        ctx.output(f"{edit.key} is {edit.value} in {edit.path}; dockerd reads it when it starts.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        edit, original, old = from_json(ConfigEdit, saved["edit"]), saved["original"], ""
        if ctx.begun(REMEMBER):
            # dockerd may have been started with the new file by others: a crash, a reboot.
            before = before_of(ctx)
            restore_docker(ctx, before, edit, original)
            old = str(before.interface)
        edited = key_put_back(ctx, edit, original, old)
        file_put_back(ctx.ports, edit.backup, saved["backup"])
        what = "is gone again" if file_bytes(original) is None else "is as it was, byte by byte"
        if edited:
            what = f"was edited by others meanwhile: {edit.key} alone was put back"
        ctx.output(f"{edit.path} {what}.")

    def look_back(self, ctx: Context, saved: Saved) -> None:
        if ctx.begun(REMEMBER):
            old_range_look(ctx, before_of(ctx))

    def reach(self, ctx: Context) -> None:
        if not ctx.begun(self.kind):
            raise OperationFailed("The new configuration was never written.")
        saved = ctx.memory[self.kind]
        key_set(ctx, from_json(ConfigEdit, saved["edit"]), saved["original"])


class ValidateConfig(Step):
    """`dockerd --validate`, where the engine has it (23.0); params: edit (ConfigEdit)."""

    kind = "validate_config"

    def do(self, ctx: Context) -> None:
        edit = edit_of(self)
        if edit.format != JSON:
            return
        complaint = ctx.ports.config.validate(edit.path)
        if complaint:
            raise CheckFailed(f"dockerd would not accept {edit.path}: {complaint}")
