"""Lets thingsboard-gateway find the connector that lies beside this file, as it finds what is installed in
/var/lib/thingsboard_gateway/extensions. Python runs it at its start, because this folder is in PYTHONPATH."""
import pathlib

from thingsboard_gateway.tb_utility.tb_loader import TBModuleLoader

TBModuleLoader.find_paths()
TBModuleLoader.PATHS.append(str(pathlib.Path(__file__).resolve().parent))
