"""The users and the workspace, made to agree with the secrets file at every start."""

from __future__ import annotations

from argilla_server.contexts import accounts
from argilla_server.database import AsyncSessionLocal, async_engine
from argilla_server.models import User, UserRole, Workspace, WorkspaceUser

from factory.services.argilla.credentials import OWNER, REVIEWER, WORKSPACE, Credentials


async def ensure(credentials: Credentials) -> None:
    """Make the owner, the reviewer and their workspace, or set their keys to what the secrets file says."""
    async with AsyncSessionLocal() as db:
        workspace = await Workspace.get_by(db, name=WORKSPACE) or await Workspace.create(db, name=WORKSPACE)
        owner = await _user(db, OWNER, UserRole.owner, credentials.owner_password)
        if owner.api_key != credentials.api_key:
            await owner.update(db, api_key=credentials.api_key)
        reviewer = await _user(db, REVIEWER, UserRole.annotator, credentials.reviewer_password)
        for user in (owner, reviewer):
            if await WorkspaceUser.get_by(db, workspace_id=workspace.id, user_id=user.id) is None:
                await WorkspaceUser.create(db, workspace_id=workspace.id, user_id=user.id)
    await async_engine.dispose()  # its connections belong to this event loop, which ends here


async def _user(db: object, username: str, role: UserRole, password: str) -> User:
    user = await accounts.get_user_by_username(db, username)
    if user is None:
        return await User.create(
            db,
            first_name=username.capitalize(),
            username=username,
            role=role,
            password_hash=accounts.hash_password(password),
        )
    if not accounts.verify_password(password, user.password_hash):
        await user.update(db, password_hash=accounts.hash_password(password))
    return user
